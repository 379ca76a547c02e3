"""How much is done per second, inside the window."""

import numpy as np

from simnet.metrics.distribution import distribution, ratio
from simnet.metrics.emissions import Emissions
from simnet.metrics.fairness import jain_fairness
from simnet.metrics.window import Mask, Rows, Window
from simnet.records import Records


def throughput(
    records: Records,
    emissions: Emissions,
    devices: Mask,
    window: Window,
) -> dict[str, float]:
    """Tokens emitted and requests finished in the window, over its length.

    Parameters
    ----------
    records : Records
        One run.
    emissions : Emissions
        When its tokens became visible.
    devices : (devices,) bool array
        Which devices to count.
    window : Window
        What is measured; who asked before it still emits inside it.
    """
    requests: Rows = records.requests
    owner = requests["device"][emissions.request[window.contains(emissions.time_ns)]]
    tokens = np.bincount(owner, minlength=devices.size)[devices]
    finished = devices[requests["device"]] & window.contains(requests["finished_ns"])
    return {
        "output_tokens_per_s": ratio(tokens.sum(), window.length_s),
        **distribution("device_output_tokens_per_s", tokens / max(window.length_s, 1e-9)),
        "requests_per_s": ratio(finished.sum(), window.length_s),
        "jain_fairness": jain_fairness(tokens),
    }
