"""The fading channel."""

from math import e, exp, gamma, log, log2, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import exp1, ive

from simnet.check.case import Case
from simnet.experiment.run import Run

MEAN_SNR = 10.0


def saturated_link(fading: dict[str, Any]) -> dict[str, Any]:
    """One device that always sends, 1 MHz at 10 dB."""
    return {
        "stop": {"duration": "50 s", "warmup": "1 s"},
        "devices": {
            "sender": {
                "count": 1,
                "snr": "10 dB",
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": {"kind": "full-buffer"},
                "protocol": {
                    "kind": "probe",
                    "rounds": 100,
                    "payload": {"kind": "constant", "value": "30 kbit"},
                },
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "fading": fading,
            "rate": {"kind": "shannon"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {"step_time": {"kind": "constant", "time": "0 s"}},
    }


def spectral_efficiency(run: Run) -> float:
    """Bits carried per second and hertz."""
    return run.metrics["uplink_goodput_bps"] / 1e6


def _sounded(
    devices: int, period: str, doppler: str, sinusoids: int, seconds: int
) -> dict[str, Any]:
    """Devices that send one bit each ``period``, so that their records hold samples of the SNR."""
    scenario = saturated_link(
        {"kind": "doppler", "frequency": doppler, "step": period, "sinusoids": sinusoids}
    )
    sender = scenario["devices"]["sender"]
    sender["count"] = devices
    sender["protocol"] = {
        "kind": "probe",
        "rounds": 10_000_000,
        "payload": {"kind": "constant", "value": "1 bit"},
        "local_time": {"kind": "constant", "value": period},
    }
    scenario["stop"] = {"duration": f"{seconds} s"}
    return scenario


def _samples(run: Run, step_s: float) -> NDArray[np.float64]:
    """SNR over its mean by device and step; NaN where none was sent."""
    sent = run.records.transmissions
    step = np.asarray(sent["airtime_start_ns"], dtype=np.int64) // round(step_s * 1e9)
    samples = np.full((int(sent["device"].max()) + 1, int(step.max()) + 1), np.nan)
    snr_db = np.asarray(sent["snr_db"], dtype=np.float64)
    samples[sent["device"], step] = 10 ** (snr_db / 10) / MEAN_SNR
    return samples


def _autocorrelation(run: Run) -> float:
    """Autocovariance of the power gain at a lag of one step, over an ensemble of links."""
    deviations = _samples(run, 0.005) - 1.0
    return float(np.nanmean(deviations[:, 1:] * deviations[:, :-1]))


def _crossings(run: Run) -> float:
    """Upward crossings of the root mean square per second, times the Doppler period."""
    above = _samples(run, 0.002)
    known = ~np.isnan(above)
    pairs = known[:, 1:] & known[:, :-1]
    up = pairs & (above[:, :-1] <= 1.0) & (above[:, 1:] > 1.0)
    return float(up.sum()) / (float(pairs.sum()) * 0.002) / 10.0


def _sinusoid_autocovariance(sinusoids: int, turns: float) -> float:
    """Autocovariance of |h|^2 of the sum of sinusoids at a lag of ``turns`` Doppler periods.

    J0^2(2 pi turns), less 1/N^2 times the sum over the N sectors of the squared modulus of the mean
    of e^(j 2 pi turns cos a) there: the same path appears in both factors once too often.
    """
    samples = 2000
    a = 2 * pi * (np.arange(sinusoids * samples) + 0.5) / (sinusoids * samples) - pi / sinusoids
    means = np.exp(2j * pi * turns * np.cos(a)).reshape(sinusoids, samples).mean(axis=1)
    whole = float(abs(means.mean())) ** 2
    return whole - float((abs(means) ** 2).sum()) / sinusoids**2


def _ergodic_capacity(density: Any) -> float:
    """Mean of log2(1 + g x) over the law of the power gain x, by quadrature."""
    return float(quad(lambda x: log2(1 + MEAN_SNR * x) * density(x), 0, 30, limit=200)[0])


def _rician_density(x: float, k: float = 4.0) -> float:
    argument = 2 * sqrt(k * (1 + k) * x)
    return (1 + k) * exp(argument - k - (1 + k) * x) * float(ive(0, argument))


def _nakagami_density(x: float, m: float = 2.5) -> float:
    return float(m**m * x ** (m - 1) * exp(-m * x) / gamma(m))


CASES = (
    Case(
        "Rayleigh block fading: ergodic capacity",
        "e^(1/g) E1(1/g) / ln 2 at g = 10",
        saturated_link({"kind": "rayleigh", "coherence": "2 ms"}),
        spectral_efficiency,
        e ** (1 / MEAN_SNR) * float(exp1(1 / MEAN_SNR)) / log(2),
        "bit/s/Hz",
    ),
    Case(
        "Rician block fading, K = 4: ergodic capacity",
        "integral of log2(1 + g x) over the law of the power gain, g = 10",
        saturated_link(
            {"kind": "rician", "k_factor": f"{10 * np.log10(4):.12g} dB", "coherence": "2 ms"}
        ),
        spectral_efficiency,
        _ergodic_capacity(_rician_density),
        "bit/s/Hz",
    ),
    Case(
        "Nakagami block fading, m = 5/2: ergodic capacity",
        "integral of log2(1 + g x) over the law of the power gain, g = 10",
        saturated_link({"kind": "nakagami", "m": 2.5, "coherence": "2 ms"}),
        spectral_efficiency,
        _ergodic_capacity(_nakagami_density),
        "bit/s/Hz",
    ),
    Case(
        "Doppler fading: autocovariance of the power gain over a quarter Doppler period",
        "J0^2(2 pi f tau) of Clarke's model (.2228), less 1/N of the sum of N = 16 sinusoids",
        _sounded(50, "5 ms", "50 Hz", 16, 1),
        _autocorrelation,
        _sinusoid_autocovariance(16, 0.25),
        "",
        largest_standard_error=0.03,
    ),
    Case(
        "Doppler fading: crossings of the root mean square per Doppler period",
        "sqrt(2 pi) r e^(-r^2) at r = 1",
        _sounded(4, "2 ms", "10 Hz", 256, 4),
        _crossings,
        sqrt(2 * pi) / e,
        "",
        largest_standard_error=0.03,
    ),
    Case(
        "No fading: Shannon capacity",
        "log2(1 + g) at g = 10, to one payload in 50 s",
        saturated_link({"kind": "none"}),
        spectral_efficiency,
        log2(1 + MEAN_SNR),
        "bit/s/Hz",
        replications=1,
        exact_within=3e-4,
    ),
)
