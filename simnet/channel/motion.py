"""Fading and motion in one gain: what a radio link sees of a device that moves."""

from collections.abc import Callable

from simnet.channel.fading import Gain


def moving_gain(
    fading: Gain,
    block_ns: int,
    snr_at: Callable[[int], float],
    update_ns: int,
) -> tuple[float, Gain, int]:
    """Mean SNR at time 0, and the gain over it of fading and motion together.

    Parameters
    ----------
    fading : callable
        Power gain by number of the fading block.
    block_ns : int
        Length of a fading block [ns]; 0: no fading.
    snr_at : callable
        Mean SNR, linear, by time [ns].
    update_ns : int
        Interval [ns] at which the mean SNR follows the device; one of it and ``block_ns`` is a
        whole multiple of the other.

    Returns
    -------
    snr, gain, block_ns
        What :class:`~simnet.channel.radio_link.RadioLink` takes.

    Raises
    ------
    ValueError
        If neither interval is a whole multiple of the other.
    """
    step_ns = min(block_ns, update_ns) if block_ns else update_ns
    if update_ns % step_ns or block_ns % step_ns:
        raise ValueError(
            f"of update and coherence one must be a multiple of the other, got {update_ns} ns "
            f"and {block_ns} ns"
        )
    steps_per_block, steps_per_update = block_ns // step_ns, update_ns // step_ns
    start = snr_at(0)
    known_epoch, known = 0, 1.0

    def gain(step: int) -> float:
        nonlocal known_epoch, known
        epoch = step // steps_per_update
        if epoch != known_epoch:  # the last one asked for is remembered
            known = snr_at(epoch * update_ns) / start
            known_epoch = epoch
        return known * fading(step // steps_per_block) if steps_per_block else known

    return start, gain, step_ns
