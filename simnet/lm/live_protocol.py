"""Co-simulation: a protocol whose tokens the models make while the simulation runs.

Here nothing is replayed. A rule that looks at the network decides what is sent, and with it which
text comes next. The models answer at the simulated moment of the decision; how long the device and
the server take is for the simulation's own models of time, not for the clock on the wall.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from simnet.decoding.acceptance import output_tv
from simnet.decoding.truncation import truncate
from simnet.faults import InputError
from simnet.lm.draft import softmax
from simnet.lm.gate import gate_of
from simnet.lm.hybrid import LiveAnswer
from simnet.lm.pair import ModelPair
from simnet.protocol.base import ProtocolConfig, Setting
from simnet.protocol.round import NetworkView, Plan, Prompt, Round
from simnet.protocol.slm_only import SlmOnlyConfig
from simnet.rng import CounterStream


class LiveProtocol:
    """Rounds of draft length 1, their tokens made by live models.

    A rule that looks at the network is asked token by token, each a round of its own; under any
    other a run of skipped tokens and the verification that ends it are one round, as in a replay.

    Parameters
    ----------
    pair : ModelPair
    prompts : sequence of sequence of int
        Ids of the prompts that users choose from.
    config : ProtocolConfig
        Threshold and truncation by value.
    setting : Setting
        Device, ledger and seed. The seed and the key of a device's request name the streams of an
        answer.
    max_new_tokens : int
    temperature : float
        Of both models' laws.

    Attributes
    ----------
    texts : dict
        Ids of the tokens of each answer so far, by the key of its request.
    """

    def __init__(
        self,
        pair: ModelPair,
        prompts: Sequence[Sequence[int]],
        config: ProtocolConfig,
        setting: Setting,
        max_new_tokens: int,
        temperature: float,
    ) -> None:
        self.plan = Plan()
        self.pair, self.ledger, self.seed = pair, setting.ledger, setting.seed
        self.max_new_tokens, self.temperature = max_new_tokens, temperature
        self.gate = gate_of(config)
        slm = setting.slm
        token_ns = int(slm.token_ns({}, 1)[0])
        self.token_ns = token_ns + (setting.uncertainty_ns if self.gate.gated else 0)
        self.asked = [list(prompt) for prompt in prompts]
        for number, prompt in enumerate(self.asked, start=1):
            if not prompt or (pair.context is not None and len(prompt) > pair.context):
                raise InputError(
                    f"prompt {number} has {len(prompt)} tokens, the models read 1 to {pair.context}"
                )
        per_token_ns = slm.prefill_per_token * 1e9
        self.prefill_ns = [int(np.rint(len(prompt) * per_token_ns)) for prompt in prompts]
        sent = not isinstance(config, SlmOnlyConfig)
        self._prompts = [self._prompt(len(prompt), sent, setting.prefill) for prompt in prompts]
        self.texts: dict[str, list[int]] = {}

    @property
    def requests(self) -> int:
        """How many prompts there are to choose from."""
        return len(self.asked)

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""
        return self._prompts[request]

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> Iterator[Round]:
        """Rounds of an answer to ``request``, each made when it is asked for."""
        name = f"{draws.key:016x}"
        text = _Text(
            self.pair, self.asked[request], self.max_new_tokens, self.temperature, self.seed, name
        )
        while not text.finished:
            made = self._round(text, view, self.prefill_ns[request])
            self.texts[name] = text.answer
            yield made

    def _prompt(self, tokens: int, sent: bool, prefill: bool) -> Prompt:
        if not sent:
            return Prompt(tokens, False, 0, 0, 0)
        bits = self.ledger.prompt_bits(tokens, self.pair.vocabulary_size)
        length = self.max_new_tokens
        if self.pair.context is not None:
            length = min(length, self.pair.context - tokens + 1)
        return Prompt(tokens, True, bits, max(0, tokens - 1) if prefill else 0, tokens + length + 1)

    def _round(self, text: "_Text", view: NetworkView, prefill_ns: int) -> Round:
        """Draft until something is sent, or once if the network decides."""
        begin, waited = len(text.answer), text.waiting
        entries, passed, draft = 0, False, None
        while not (text.finished or entries):
            draft = text.draft()
            entries = self.gate.entries(draft, view, self._overhead_bits(text.waiting), self.ledger)
            if entries:
                passed = text.verify(entries)
            else:
                text.skip()
                if self.gate.looks:
                    break
        assert draft is not None, "an answer that is not finished has a next token"
        committed = len(text.answer) - begin
        skipped = committed - (entries > 0)
        fed = waited + skipped + 1 if entries else 0
        vocabulary, ledger = self.pair.vocabulary_size, self.ledger
        payload = ledger.distribution_bits(entries, vocabulary) if entries else 0
        uplink_bits = payload + self._overhead_bits(fed - 1) if entries else 0
        downlink_bits = ledger.verdict_bits(1, vocabulary) if entries else 0
        first_ns = 0 if begin else prefill_ns
        uncertainty = draft.uncertainty if entries else 0.0
        row = self.plan.add(
            position=begin,
            skipped=skipped,
            drafted=int(entries > 0),
            evaluated=int(entries > 0),
            accepted=int(passed),
            committed=committed,
            uplink_bits=uplink_bits,
            downlink_bits=downlink_bits,
            server_tokens=fed,
            full_vocabulary_bits=ledger.distribution_bits(vocabulary, vocabulary) * (entries > 0),
            payload_bits=payload,
            prefill_ns=first_ns,
            token_ns=self.token_ns,
            uncertainty=uncertainty,
            skipped_rejection_mass=text.rejection_mass(begin, begin + skipped),
            output_tv=text.bias(entries) if entries else 0.0,
        )
        return Round(
            row,
            first_ns + committed * self.token_ns,
            uplink_bits,
            downlink_bits,
            fed,
            len(text.prompt) + begin - (fed - 1 - skipped if entries else 0),
            0,
            uncertainty,
        )

    def _overhead_bits(self, waiting: int) -> int:
        return int(self.ledger.upload_bits(1, waiting, self.pair.vocabulary_size))


class _Text(LiveAnswer):
    """A live answer that also says what its rounds cost in quality."""

    @property
    def answer(self) -> list[int]:
        """Tokens committed so far."""
        return self.text[len(self.prompt) :]

    def rejection_mass(self, begin: int, end: int) -> float:
        """Sum of the rejection probabilities of tokens committed alone, by position.

        The LLM is asked about those that it has not read; the protocol learns nothing of it.
        """
        if begin == end:
            return 0.0
        if self.waiting:
            llm = self.pair.llm.follow(self.text[:-1], logits=self.waiting)
            self._read_llm(self._skipped(), llm.logits)
        skipped = self._positions[begin:end]
        return float(sum(max(0.0, 1 - float(p.p) / float(p.known.q)) for p in skipped))

    def bias(self, entries: int) -> float:
        """Total variation that truncating the last draft's law makes in its token's."""
        position = self._positions[-1]
        x = position.known.law
        if entries >= len(x):
            return 0.0
        assert position.llm_logits is not None, "the last draft is verified"
        y = softmax(position.llm_logits, self.temperature)
        return float(output_tv(x, y, truncate(x, entries)))
