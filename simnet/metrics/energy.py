"""What tokens cost the devices in energy, by part; computed after the run."""

from collections.abc import Mapping

import numpy as np

from simnet.metrics.devices import drafting_ns
from simnet.metrics.distribution import ratio
from simnet.metrics.window import Mask, Rows, Window
from simnet.records import Records, spans_of

PARTS = ("compute", "transmit", "receive", "idle")


def energy(records: Records, devices: Mask, tokens: float, window: Window) -> dict[str, float]:
    r"""Energy per token by part, and how long the first battery lasts.

    .. math:: E = P_c t_c + P_i (T - t_c) + P_t t_t + P_r t_r

    on each device, with :math:`t_c` the time it drafts, :math:`t_t` that of its transmissions on
    the air, :math:`t_r` that of verdicts on the way down. With an amplifier efficiency, what is
    radiated over it is added: the transmit power, as controlled, for the time of the whole band
    that a transmission took. A battery lasts for its energy over the
    mean power of its group's devices.

    Not modelled: states of the radio beyond these (tails, sleep), nor what the server draws.

    Parameters
    ----------
    records, window
        One run, what is measured.
    devices : (D,) bool array
        Which devices.
    tokens : float
        Tokens that they showed in the window.

    Returns
    -------
    dict
        Empty unless each of the devices' groups has a ``power``.
    """
    group = np.asarray(records.devices["group"])
    joules, lives_s = np.zeros(len(PARTS)), []
    for index in np.unique(group[devices]):
        watts = records.groups[int(index)].get("power")
        if not isinstance(watts, Mapping):
            return {}
        members = devices & (group == index)
        spent = _seconds(records, members, window) * [watts[part] for part in PARTS]
        if efficiency := watts.get("amplifier_efficiency", 0.0):
            radiated_j = _radiated_j(records, members, records.groups[int(index)], window)
            spent[PARTS.index("transmit")] += radiated_j / efficiency
        joules += spent
        if watts["battery"] and spent.sum():
            mean_w = spent.sum() / members.sum() / window.length_s
            lives_s.append(watts["battery"] / mean_w)
    per_token = {
        f"energy_{part}_j_per_token": ratio(spent, tokens)
        for part, spent in zip(PARTS, joules.tolist(), strict=True)
    }
    life = {"battery_life_s": min(lives_s)} if lives_s else {}
    return {"energy_j_per_token": ratio(joules.sum(), tokens)} | per_token | life


def _seconds(records: Records, devices: Mask, window: Window) -> "np.typing.NDArray[np.float64]":
    """Time [s] of each part, summed over the devices."""
    sent: Rows = records.transmissions
    rounds: Rows = records.rounds
    own = devices[sent["device"]]
    on_air_ns = rounds[spans_of(rounds)["downlink_time"][0]]
    down = devices[rounds["device"]] & (on_air_ns >= 0)
    computing_ns = drafting_ns(records, window, devices)
    return 1e-9 * np.array(
        [
            computing_ns,
            window.lengths(sent["airtime_start_ns"][own], sent["airtime_end_ns"][own]).sum(),
            window.lengths(on_air_ns[down], rounds["finished_ns"][down]).sum(),
            int(devices.sum()) * window.length_ns - computing_ns,
        ]
    )


def _radiated_j(
    records: Records, devices: Mask, group: Mapping[str, object], window: Window
) -> float:
    """Energy [J] that the devices of a group radiated."""
    sent: Rows = records.transmissions
    own = devices[sent["device"]]
    start, end, service = (
        sent[name][own] for name in ("airtime_start_ns", "airtime_end_ns", "service_ns")
    )
    airtime = np.maximum(np.where(end < 0, records.horizon_ns, end) - start, 1)
    watts = np.full(len(start), group["tx_power_w"])
    if "tx_power_dbm" in sent:
        watts = 10 ** (sent["tx_power_dbm"][own] / 10 - 3)
    shares = window.lengths(start, end) / airtime
    return float(np.where(shares > 0, watts * service * shares, 0.0).sum()) * 1e-9
