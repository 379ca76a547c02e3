"""Uplink power control: how much of its power a device uses."""

from pydantic import Field

from simnet.registry import Config
from simnet.units import Power

RESOURCE_BLOCK_HZ = 180e3
"""Bandwidth that the target is for: a resource block at a subcarrier spacing of 15 kHz [Hz]."""


class PowerControl(Config):
    r"""Fractional open-loop power control of the NR uplink.

    .. math:: P = \min\{P_\mathrm{max},\; P_0 + 10 \log_{10} M + \alpha L\} \quad [\mathrm{dBm}]

    with M the number of resource blocks of 180 kHz that the whole band holds (:math:`2^\mu
    M_\mathrm{RB}` of the standard), L the path loss with shadowing, and the limit the group's
    ``tx_power``. With :math:`\alpha = 1` all devices below their limit are received alike; less
    leaves the near an advantage. Devices on part of the band send at the same power per hertz, so
    the limit is that of the whole band.

    Not modelled: closed-loop commands, errors of the path loss estimate, the maximum power
    reduction of wide allocations.

    References
    ----------
    3GPP TS 38.213, section 7.1.1.
    """

    target: Power = Field(
        gt=0, description="P0: received per block of 180 kHz where all path loss is made up for"
    )
    compensation: float = Field(
        0.8, ge=0, le=1, description="alpha: share of the path loss [dB] that is made up for"
    )

    def power_w(self, path_loss_db: float, bandwidth_hz: float, limit_w: float) -> float:
        """Transmit power over a whole band [W].

        Parameters
        ----------
        path_loss_db : float
            Path loss, shadowing included [dB].
        bandwidth_hz : float
            Of the band [Hz].
        limit_w : float
            Most that the device can send [W].
        """
        made_up = 10 ** (self.compensation * path_loss_db / 10)
        return min(limit_w, self.target * bandwidth_hz / RESOURCE_BLOCK_HZ * made_up)
