"""Version 1 of the token trace: a directory with a manifest and two Parquet tables.

``manifest.yaml`` says what was recorded, how, and the hashes of the tables. ``requests.parquet``
has one row per answer, ``tokens.parquet`` one row per committed token, answer after answer in the
order of the requests. No value is a pickle, and none depends on when or where it was written.

On the path of the target every draft was tested, and ``accepted`` says which token was committed.
On the path of a protocol ``sent_entries`` and ``kept`` say it: a draft that was not sent is
committed whatever its test would have been, and one outside the entries sent is tested against
another probability. ``accepted`` is the test against the whole law on either path.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from simnet.registry import Config

VERSION: Literal[1] = 1
MANIFEST_FILE = "manifest.yaml"
REQUESTS_FILE = "requests.parquet"
TOKENS_FILE = "tokens.parquet"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        Its name in the file.
    kind : str
        ``bool``, ``int32``, ``int64``, ``float32``, ``string``; ``[K]`` behind it stands for a list
        of one value per k of the grid. ``tail[K]`` is a float32 whose distance to 1 is rounded to
        half precision, so that it compresses as well as a float16 and yet keeps a small tail.
    meaning : str
        What it holds, with its unit.
    low, high : float, optional
        Closed range.
    replay : bool
        Whether a replay needs it; `read_trace` leaves the others out unless asked.
    optional : bool
        Whether a trace may do without it.
    """

    name: str
    kind: str
    meaning: str
    low: float | None = None
    high: float | None = None
    replay: bool = True
    optional: bool = False

    @property
    def per_k(self) -> bool:
        """Whether each row holds one value per k of the grid."""
        return self.kind.endswith("[K]")


REQUESTS: tuple[Column, ...] = (
    Column("request_id", "int32", "identity of the answer", 0),
    Column("prompt_tokens", "int32", "tokens of the prompt, template included", 1),
    Column("output_tokens", "int32", "committed tokens: rows in tokens.parquet", 1),
    Column("finish_reason", "string", "stop (end of text) or length (cut)"),
    Column("split", "string", "calibration or replay; no answer is in both"),
    Column("slm_prefill_ns", "int64", "time of the SLM to read the prompt [ns]", 0),
    Column("llm_prefill_ns", "int64", "time of the LLM to read the prompt [ns]", 0),
    Column("text", "string", "the answer, where the licence allows", replay=False, optional=True),
)

TOKENS: tuple[Column, ...] = (
    Column("request_id", "int32", "answer it belongs to", 0),
    Column("position", "int32", "0, 1, ... inside the answer", 0),
    Column("context_tokens", "int32", "tokens before it, the prompt included", 1, replay=False),
    Column("draft_id", "int32", "token the SLM drew", 0, replay=False),
    Column("final_id", "int32", "token committed", 0, replay=False),
    Column("q_draft", "float32", "probability of the draft under the SLM", 0, 1),
    Column("p_draft", "float32", "probability of the draft under the LLM", 0, 1),
    Column("u_accept", "float32", "uniform draw of the accept test, in [0, 1)", 0, 1),
    Column("accepted", "bool", "outcome: u_accept < min(1, p_draft / q_draft)"),
    Column("sent_entries", "int32", "of its law, sent; 0: committed alone", 0, optional=True),
    Column("kept", "bool", "whether the draft was committed: final_id = draft_id", optional=True),
    Column("rejection_probability", "float32", "of this draft: max(0, 1 - p/q)", 0, 1),
    Column("total_variation", "float32", "between the two laws: mean rejection", 0, 1),
    Column("entropy_slm", "float32", "of the SLM's law [nats]", 0),
    Column("entropy_llm", "float32", "of the LLM's law [nats]", 0, replay=False),
    Column("uncertainty", "float32", "share of K perturbed draws that differ", 0, 1),
    Column("uncertainty_mean", "float32", "its exact mean", 0, 1),
    Column("importance", "float32", "of the token for the answer", 0, 1, optional=True),
    Column("top1_margin", "float32", "most minus second most probable, of the SLM", 0, 1),
    Column("draft_rank", "int32", "of the draft under the SLM, 0 = most probable", 0),
    Column("mass_k", "tail[K]", "probability of the k most probable entries", 0, 1),
    Column("l1_truncation_k", "float16[K]", "sum |x - xhat| at k", 0, 2),
    Column("output_tv_k", "float16[K]", "committed token's law at k against the LLM's", 0, 1),
    Column("slm_ns", "int64", "time of the SLM for this token [ns]", 0),
    Column("llm_ns", "int64", "time of the LLM for this token [ns]", 0, replay=False),
)

FINISH_REASONS = ("stop", "length")
SPLITS = ("calibration", "replay")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ModelCard(Config):
    """One of the two models.

    Of a ``synthetic`` trace it describes the model whose sizes are assumed; nothing was run.
    """

    name: str = Field(min_length=1, description="Name people know it by")
    revision: str | None = Field(None, description="Revision of a hub")
    weights_sha256: Sha256 | None = Field(None, description="Hash of the weights")
    parameters: int = Field(ge=0, description="Parameters, embeddings included")
    dtype: str = Field(description="Number format it ran in, such as bfloat16")
    vocab_size: int = Field(ge=2, description="Rows of its output layer (padding rows included)")
    layers: int = Field(ge=0, description="Transformer layers")
    kv_bytes_per_token: int = Field(ge=0, description="Key-value cache of one token")


class Tokenizer(Config):
    """The tokenizer both models share."""

    name: str | None = Field(None, description="Name people know it by")
    sha256: Sha256 | None = Field(None, description="Hash of its file; none if synthetic")


class Sampling(Config):
    """How drafts, resamplings and the accept draws were drawn."""

    temperature: float = Field(gt=0, description="Of both models' logits")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus kept; none: all")
    top_k: int | None = Field(None, ge=1, description="Entries kept; none: all")
    seed: int = Field(ge=0, description="Names the random streams")


class Uncertainty(Config):
    """Parameters of the temperature perturbation."""

    K: int = Field(ge=1, description="Perturbed draws per token")
    theta_max: float = Field(gt=0, description="Largest temperature")


class Timing(Config):
    """Where the measured times come from."""

    hardware: str = Field(description="Machine, threads, number format; or: none")


class Dataset(Config):
    """The prompts."""

    name: str = Field(min_length=1, description="Data set and split")
    licence: str = Field(description="Licence of what the trace repeats from it")
    sha256: Sha256 | None = Field(None, description="Hash of the prompt file; none if synthetic")


def _check_grid(grid: tuple[int, ...]) -> tuple[int, ...]:
    for before, after in pairwise(grid):
        if not before < after <= before + max(1, before // 10):
            raise ValueError(
                f"must ascend in steps of at most 10 % (1 up to 10): {before}, {after}"
            )
    if not grid or grid[0] != 1 or grid[-1] < 2:
        raise ValueError("must go from 1 to the size of the vocabulary")
    return grid


class Manifest(Config):
    """What a trace is, how it was made, and the hashes of its tables."""

    version: Literal[1] = Field(VERSION, description="Version of this format")
    kind: Literal["real", "synthetic"] = Field(description="Recorded from models, or generated")
    slm: ModelCard = Field(description="Small model, on the device")
    llm: ModelCard = Field(description="Large model, on the edge server")
    tokenizer: Tokenizer = Field(description="Shared by both")
    sampling: Sampling
    path: Literal["target", "protocol"] = Field(
        "target", description="Whose tokens are committed: HLM's (law of the LLM), or a protocol's"
    )
    protocol: dict[str, Any] | None = Field(
        None, description="The protocol's section, if path is protocol"
    )
    synthesis: dict[str, Any] | None = Field(
        None, description="Generator and parameters, if kind is synthetic"
    )
    uncertainty: Uncertainty
    k_grid: Annotated[tuple[int, ...], AfterValidator(_check_grid)] = Field(
        strict=False, description="Kept entries at which truncation is recorded; the last is |V|"
    )
    timing: Timing
    dataset: Dataset
    files: dict[str, Sha256] = Field(
        default_factory=dict, description="Hash of each table, filled in by the writer"
    )
    known_limitations: tuple[str, ...] = Field((), strict=False, description="What it cannot show")

    @property
    def vocabulary_size(self) -> int:
        """|V|: the tokens that can be drawn, the last member of the grid."""
        return self.k_grid[-1]

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        for role, model in (("slm", self.slm), ("llm", self.llm)):
            if model.vocab_size < self.vocabulary_size:
                raise ValueError(
                    f"k_grid ends at {self.vocabulary_size}, beyond {role}.vocab_size = "
                    f"{model.vocab_size}"
                )
            named = model.revision is not None or model.weights_sha256 is not None
            if self.kind == "real" and not named:
                raise ValueError(f"{role} needs a revision or weights_sha256: which weights ran?")
        if self.kind == "real" and self.tokenizer.sha256 is None:
            raise ValueError("tokenizer.sha256 is missing: which tokenizer ran?")
        if (self.kind == "synthetic") != (self.synthesis is not None):
            raise ValueError("synthesis is given exactly when kind is synthetic")
        if (self.path == "protocol") != (self.protocol is not None):
            raise ValueError("protocol is given exactly when path is protocol")
        return self


def named(columns: Iterable[Column]) -> dict[str, Column]:
    """Columns by their names."""
    return {column.name: column for column in columns}
