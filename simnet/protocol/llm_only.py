"""LLM alone: the prompt goes up, the server decodes, tokens stream down."""

from typing import ClassVar, Literal

import numpy as np

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.round import Plan, Prompt, Round


@PROTOCOLS.register
class LlmOnlyConfig(ProtocolConfig):
    """Every token is the large model's, decoded in the server's batches.

    The answer is one upload, the prompt. The step that completes its prefill yields the first
    token, each further step one more, and every token is sent down as it comes.
    """

    drafts: ClassVar[bool] = False
    kind: Literal["llm-only"] = "llm-only"

    def build(self, setting: Setting) -> Compiled:
        """Compile one round per answer, with a plan row for each token."""
        answers, vocabulary = setting.replay, setting.trace.vocabulary_size
        ledger = setting.ledger
        verdict_bits = ledger.verdict_bits(1, vocabulary)
        lengths = np.diff(answers.first)
        size = int(answers.first[-1])
        opens = np.zeros(size, dtype=bool)
        opens[answers.first[:-1]] = True
        prompt_bits = np.array(
            [ledger.prompt_bits(n, vocabulary) for n in answers.prompt_tokens.tolist()]
        )
        fed = np.maximum(answers.prompt_tokens, 1) if setting.prefill else np.ones_like(lengths)
        plan = Plan(
            {
                "position": np.arange(size) - np.repeat(answers.first[:-1], lengths),
                "committed": np.ones(size),
                "downlink_bits": np.full(size, verdict_bits),
                "uplink_bits": np.where(opens, np.repeat(prompt_bits, lengths), 0),
                "server_tokens": np.where(opens, np.repeat(fed, lengths), 1),
            }
        )
        rounds = [
            [Round(row, 0, bits, verdict_bits, tokens, 0, length)]
            for row, bits, tokens, length in zip(
                answers.first[:-1].tolist(),
                prompt_bits.tolist(),
                fed.tolist(),
                lengths.tolist(),
                strict=True,
            )
        ]
        prompts = [
            Prompt(tokens, False, 0, prefill_tokens, tokens + length)
            for tokens, prefill_tokens, length in zip(
                answers.prompt_tokens.tolist(), fed.tolist(), lengths.tolist(), strict=True
            )
        ]
        return Compiled(plan, prompts, rounds)
