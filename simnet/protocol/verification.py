"""What testing each recorded draft comes to, by what the server is told of the draft's law.

The accept test is redone with the recorded uniform draw. A trace recorded under a protocol holds
the outcome of the upload that was made; one of as many entries has this outcome. Values between two
points of the trace's grid of k are those of the upper one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.acceptance import accepts
from simnet.decoding.truncation import rebuilt_draft_probability
from simnet.protocol.base import Setting


@dataclass(frozen=True)
class DraftTest:
    """Cost and outcome of sending each draft of the replayed answers; all (N,).

    Attributes
    ----------
    accepted : bool array
        Outcome of the test.
    departs : bool array
        Whether another token than the recorded one is committed where the draft is tested.
    output_tv : float array
        Total variation between the law of the committed token and the LLM's; 0: lossless.
    payload_bits : int array
        Bits of what is sent of the draft's law.
    """

    accepted: NDArray[np.bool_]
    departs: NDArray[np.bool_]
    output_tv: NDArray[np.float64]
    payload_bits: NDArray[np.int64]


def full_test(setting: Setting) -> DraftTest:
    """The whole law is sent: the recorded outcome, lossless."""
    vocabulary = setting.trace.vocabulary_size
    return _whole_law(setting, setting.ledger.distribution_bits(vocabulary, vocabulary))


def scalar_test(setting: Setting) -> DraftTest:
    """Only the draft's own probability is sent: the recorded outcome, lossless."""
    return _whole_law(setting, setting.ledger.scalar_bits())


def truncated_test(setting: Setting, entries: NDArray[np.int64] | int) -> DraftTest:
    """Drafts of the full law, of which the server is sent the top entries.

    A draft outside them is tested against the probability that the server rebuilds for it.

    Parameters
    ----------
    setting
        Trace and ledger.
    entries : (N,) int array or int
        Entries that each draft would carry; |V|: all.
    """
    vocabulary, tokens = setting.trace.vocabulary_size, setting.replay.tokens
    recorded = tokens["accepted"].astype(bool)
    k = np.broadcast_to(np.asarray(entries, dtype=np.int64), recorded.shape)
    row, column = _on_grid(setting, k)
    outside = tokens["draft_rank"] >= k
    rebuilt = rebuilt_draft_probability(
        tokens["q_draft"], tokens["draft_rank"], tokens["mass_k"][row, column], k, vocabulary
    )
    accepted = np.where(outside, accepts(tokens["u_accept"], rebuilt, tokens["p_draft"]), recorded)
    kept = setting.replay.kept
    if "sent_entries" in tokens:
        accepted = np.where(tokens["sent_entries"] == k, kept, accepted)
    return DraftTest(
        accepted,
        accepted != kept,
        tokens["output_tv_k"][row, column].astype(np.float64),
        setting.ledger.distribution_bits(k, vocabulary),
    )


def sparse_test(setting: Setting, entries: int, bits: int | None = None) -> DraftTest:
    """Drafts sampled from the renormalised top entries, which are sent: lossless.

    Parameters
    ----------
    setting
        Trace and ledger.
    entries : int
        Entries kept, at most |V|.
    bits : int, optional
        Probabilities are rounded to multiples of 2**-bits before sampling, and sent so.

    Notes
    -----
    Given that it lies in the support, a recorded draft has just the law that the method samples
    from. Another one leaves the recorded path; tested by the same rule, it stands in for the draft
    that the method would have drawn. A trace holds the draft's probability only, so it is rounded
    to the nearest multiple, without the correction that makes a rounded law sum to 1 (at most one
    multiple).
    """
    vocabulary, tokens = setting.trace.vocabulary_size, setting.replay.tokens
    kept = setting.replay.kept
    k = np.full(kept.shape, entries, dtype=np.int64)
    row, column = _on_grid(setting, k)
    mass = tokens["mass_k"][row, column].astype(np.float64) if entries < vocabulary else 1.0
    q = np.minimum(tokens["q_draft"] / mass, 1.0)
    outside = tokens["draft_rank"] >= k
    if bits is not None:
        rounded = np.rint(q * 2.0**bits) / 2.0**bits
        outside |= rounded == 0
        q = np.where(rounded == 0, q, rounded)
    accepted = accepts(tokens["u_accept"], q, tokens["p_draft"])
    sent_bits = setting.ledger.distribution_bits(entries, vocabulary, bits)
    return _lossless(accepted, outside | (accepted != kept), sent_bits)


def _whole_law(setting: Setting, payload_bits: int) -> DraftTest:
    accepted = setting.replay.tokens["accepted"].astype(bool)
    return _lossless(accepted, accepted != setting.replay.kept, payload_bits)


def _lossless(
    accepted: NDArray[np.bool_], departs: NDArray[np.bool_], payload_bits: int
) -> DraftTest:
    size = len(accepted)
    return DraftTest(accepted, departs, np.zeros(size), np.full(size, payload_bits, dtype=np.int64))


def _on_grid(setting: Setting, k: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each token's value at k."""
    grid = setting.trace.k_grid
    return np.arange(len(k)), np.minimum(np.searchsorted(grid, k), len(grid) - 1)
