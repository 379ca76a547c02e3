"""What the radio gives: signal-to-noise ratios, rates, failed and repeated attempts."""

import numpy as np

from simnet.metrics.distribution import distribution, ratio
from simnet.metrics.window import Rows, Window
from simnet.records import Records


def radio(records: Records, window: Window) -> dict[str, float]:
    """Distributions and failures over transmissions that ended in the window.

    Parameters
    ----------
    records, window
        One run, what is measured.
    """
    sent: Rows = records.transmissions
    ended = window.contains(sent["airtime_end_ns"])
    airtime_ns = (sent["airtime_end_ns"] - sent["airtime_start_ns"])[ended]
    snr_db = sent["snr_db"][ended]
    blocks = sent["blocks"][ended].sum()
    attempts = sent["attempts"][ended].sum() + sent["collisions"][ended].sum()
    payloads = ended & (sent["prompt"] == 0)
    interfered = {}
    if "sinr_db" in sent:
        sinr_db = sent["sinr_db"][ended]
        interfered = distribution("uplink_sinr_db", sinr_db[np.isfinite(sinr_db)])
    powers = {}
    if "tx_power_dbm" in sent:
        powers = distribution("tx_power_dbm", sent["tx_power_dbm"][ended])
    return {
        **powers,
        **distribution("uplink_snr_db", snr_db[np.isfinite(snr_db)]),
        **interfered,
        **distribution(
            "uplink_rate_bps",
            sent["bits"][ended][airtime_ns > 0] * 1e9 / airtime_ns[airtime_ns > 0],
        ),
        "outage_rate": ratio(sent["failed_blocks"][ended].sum(), blocks),
        "retransmission_rate": ratio(attempts - blocks, attempts),
        "packet_loss_rate": ratio(sent["lost"][payloads].sum(), payloads.sum()),
    }
