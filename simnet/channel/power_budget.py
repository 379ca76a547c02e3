"""Power budget: transmit power, path loss and thermal noise make the mean SNR of a link."""

import math


def mean_snr(
    tx_power_w: float,
    path_loss_db: float,
    noise_density_w_per_hz: float,
    noise_figure_db: float,
    bandwidth_hz: float,
) -> float:
    r"""Mean signal-to-noise ratio (linear) at the receiver.

    .. math:: \gamma = \frac{P \, 10^{-L/10}}{N_0 \, 10^{F/10} \, W}

    Parameters
    ----------
    tx_power_w : float
        Transmit power P [W].
    path_loss_db : float
        Path loss L [dB].
    noise_density_w_per_hz : float
        Thermal noise density N0 [W/Hz]; -174 dBm/Hz at 290 K.
    noise_figure_db : float
        Noise figure F of the receiver [dB].
    bandwidth_hz : float
        Bandwidth W [Hz] over which the power is spread.
    """
    noise_w = noise_density_w_per_hz * 10 ** (noise_figure_db / 10) * bandwidth_hz
    return tx_power_w * 10 ** (-path_loss_db / 10) / noise_w


def decibel(linear: float) -> float:
    """Ratio in dB; minus infinity for 0, NaN for NaN."""
    return -math.inf if linear == 0 else 10 * math.log10(linear)
