"""When each verdict came, where verdicts wait for each other: joined after the run."""

import numpy as np

from simnet.link.downlink import Delay
from simnet.metrics.window import Rows
from simnet.records import Columns


def way_down(rounds: Rows, verdicts: Rows, delay: Delay) -> Columns:
    """Boundaries of the rounds' verdicts: first bit on the downlink, and arrival at the device.

    The verdicts of a request are sent in the order of its rounds, so the k-th is that of the k-th
    verified round. -1 where the horizon came first; a round that is not verified waits for nothing.

    Parameters
    ----------
    rounds
        Joined, in time order within each request, requests in order.
    verdicts
        As recorded, in the order of sending.
    delay
        Delay [ns] of a verdict after its last bit was sent, by its bits.
    """
    verified = np.flatnonzero(rounds["server_tokens"] > 0)
    order = np.argsort(verdicts["request"], kind="stable")
    asked, answered = rounds["request"][verified], verdicts["request"][order]
    place = np.arange(asked.size) - np.searchsorted(asked, asked)
    row = np.searchsorted(answered, asked) + place
    sent = row < np.searchsorted(answered, asked, side="right")
    verified, row = verified[sent], order[row[sent]]
    start_ns, finished_ns = (
        np.where(rounds["server_tokens"] > 0, -1, rounds["finished_ns"]) for _ in range(2)
    )
    bits, which = np.unique(verdicts["bits"][row], return_inverse=True)
    delays_ns = np.array([delay(int(size)) for size in bits], dtype=np.int64)
    start_ns[verified] = verdicts["start_ns"][row]
    finished_ns[verified] = verdicts["end_ns"][row] + delays_ns[which]
    return {"downlink_start_ns": start_ns, "finished_ns": finished_ns}
