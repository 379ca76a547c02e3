"""What the protocol did, and what it risks in quality."""

import numpy as np

from simnet.metrics.distribution import ratio
from simnet.metrics.latency import verified
from simnet.metrics.window import Mask, Rows, Window


def protocol(rounds: Rows, chosen: Mask, window: Window) -> dict[str, float]:
    """Ratios of sums over the rounds that finished in the window.

    Parameters
    ----------
    rounds : columns
        The run's rounds, joined with what their plan says.
    chosen : (rounds,) bool array
        Which rounds to count.
    window : Window
        What is measured.
    """
    finished = chosen & window.contains(rounds["finished_ns"])
    total = {
        name: float(rounds[name][finished].sum())
        for name in (
            "skipped",
            "drafted",
            "evaluated",
            "accepted",
            "committed",
            "payload_bits",
            "full_vocabulary_bits",
            "off_path",
            "departed",
            "surrogate",
            "skipped_rejection_mass",
            "output_tv",
        )
    }
    sent = finished & verified(rounds)
    proposed = total["skipped"] + total["drafted"]
    skipped_rejection_mass = ratio(total["skipped_rejection_mass"], total["committed"])
    output_tv = ratio(total["output_tv"], total["committed"])
    ahead = {}
    if "ahead_ns" in rounds:
        void_ns = (rounds["ahead_work_ns"] - rounds["ahead_kept_ns"])[sent]
        void = float((void_ns / np.maximum(rounds["token_ns"][sent], 1)).sum())
        head_start_s = rounds["head_start_ns"][sent].sum() / 1e9
        ahead["wasted_ahead_tokens"] = ratio(void, sent.sum())
        ahead["head_start_s"] = ratio(head_start_s, sent.sum())
    return {
        "transmit_rate": ratio(total["drafted"], proposed),
        "skip_rate": ratio(total["skipped"], proposed),
        "payload_compression": 1 - ratio(total["payload_bits"], total["full_vocabulary_bits"]),
        "draft_acceptance_rate": ratio(total["accepted"], total["drafted"]),
        "conditional_acceptance_rate": ratio(total["accepted"], total["evaluated"]),
        "tokens_per_round": ratio(rounds["committed"][sent].sum(), sent.sum()),
        "wasted_draft_tokens": ratio(total["drafted"] - total["accepted"], sent.sum()),
        **ahead,
        "off_path_share": ratio(total["off_path"], total["committed"]),
        "hazard_per_token": ratio(total["departed"], total["committed"] - total["off_path"]),
        "surrogate_share": ratio(total["surrogate"], proposed),
        "skipped_rejection_mass": skipped_rejection_mass,
        "output_tv": output_tv,
        "output_bias_bound_per_token": skipped_rejection_mass + output_tv,
    }
