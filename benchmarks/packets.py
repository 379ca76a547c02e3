"""CPU time of a packet on its radio link, by model: when it will be through.

    python -m benchmarks.packets

Packets of 700 bit, 30 ms apart, at a mean SNR of 10 dB over 1 MHz and fading blocks of 10 ms: each
meets a new block, the dearest case.
"""

from time import process_time
from typing import Any

from pydantic import TypeAdapter

from simnet.channel.errors import ERRORS, Attempts
from simnet.channel.fading import FADINGS
from simnet.channel.motion import moving_gain
from simnet.channel.packet_link import PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.channel.rate import RATES
from simnet.rng import CounterStream
from simnet.scenario.families import discover_all

PACKETS, TURNS = 5_000, 5
RAYLEIGH = {"kind": "rayleigh", "coherence": "10 ms"}
SHANNON = {"kind": "shannon"}
MODELS: tuple[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    ("no fading", {"kind": "none"}, SHANNON, {}),
    ("rayleigh", RAYLEIGH, SHANNON, {}),
    ("rician", RAYLEIGH | {"kind": "rician", "k_factor": "6 dB"}, SHANNON, {}),
    ("nakagami", RAYLEIGH | {"kind": "nakagami", "m": 2.5}, SHANNON, {}),
    ("doppler", {"kind": "doppler", "frequency": "10 Hz", "step": "10 ms"}, SHANNON, {}),
    ("rayleigh, nr-mcs", RAYLEIGH, {"kind": "nr-mcs"}, {}),
    ("rayleigh, short packets", RAYLEIGH, {"kind": "finite-blocklength", "symbols": 200}, {}),
    ("rayleigh, nr-mcs, outage", RAYLEIGH, {"kind": "nr-mcs"}, {"kind": "outage"}),
    (
        "rayleigh, nr-mcs, errors and outer loop",
        RAYLEIGH,
        {"kind": "nr-mcs"},
        {"kind": "finite-blocklength", "csi_delay": "4 ms", "outer_loop": {}},
    ),
)


def microseconds(link: RadioLink) -> float:
    """CPU time of a packet [us], the best of some turns."""
    best = float("inf")
    for turn in range(TURNS):
        starts = [turn * 10**12 + i * 30_000_000 for i in range(PACKETS)]
        began = process_time()
        for start_ns in starts:
            link.drain(start_ns, 700)
        best = min(best, process_time() - began)
    return best / PACKETS * 1e6


def main() -> None:
    """Print a line for each model."""
    discover_all()
    fadings, rates = TypeAdapter(FADINGS.schema()), TypeAdapter(RATES.schema())
    draws = CounterStream(1, 0, "benchmark")
    for name, fading_section, rate_section, errors_section in MODELS:
        fading, rate = (
            fadings.validate_python(fading_section),
            rates.validate_python(rate_section),
        )
        link = RadioLink(10.0, fading.build(draws), fading.block_ns, rate.build(1e6))
        if errors_section:
            errors = TypeAdapter(ERRORS.schema()).validate_python(errors_section)
            assert isinstance(errors, Attempts)
            link = PacketLink(
                10.0,
                fading.build(draws),
                fading.block_ns,
                rate.build(1e6),
                errors=errors,
                chosen=rate.choose(1e6),
                bandwidth_hz=1e6,
                draws=draws,
            )
        print(f"{name:42} {microseconds(link):6.2f} us")
    rayleigh = fadings.validate_python(RAYLEIGH)
    snr, gain, step_ns = moving_gain(
        rayleigh.build(draws), rayleigh.block_ns, lambda at_ns: 10.0, 100_000_000
    )
    shannon = rates.validate_python(SHANNON).build(1e6)
    print(f"{'rayleigh, moving':42} {microseconds(RadioLink(snr, gain, step_ns, shannon)):6.2f} us")


if __name__ == "__main__":
    main()
