"""Token times of devices, and the room that a GPU has for contexts, against measured ones."""

import pytest

from simnet.compute.bandwidth_slm import BandwidthSlm
from simnet.compute.slm import PresetSlm
from simnet.scenario.schema import KvMemory

CARD = {"parameters": 1e9, "layers": 10, "width": 2048, "kv_per_token": "32 KiB"}


def bandwidth(model, rate, **given):
    return BandwidthSlm.model_validate({"model": model, "bandwidth": rate, **given})


def test_a_token_by_hand():
    # 10 layers of 0.1 ms, 2 GB over half of 100 GB/s, and 3 ms: 1 + 40 + 3
    given = {"bandwidth_share": 0.5, "layer_time": "0.1 ms", "fixed_time": "3 ms"}
    assert bandwidth(CARD, "100 GB/s", **given).token_s == pytest.approx(44e-3)
    assert bandwidth(CARD, "100 GB/s", **given).token_ns({}, 3).tolist() == [44_000_000] * 3


@pytest.mark.parametrize(
    ("model", "preset"),
    [("tinyllama-1.1b", "a100-tinyllama-1.1b"), ("llama-2-7b", "a100-llama-2-7b")],
)
def test_the_defaults_meet_the_measurements_that_they_are_fitted_to(model, preset):
    assert bandwidth(model, "2039 GB/s").token_s * 1e3 == pytest.approx(
        PresetSlm.MS_PER_TOKEN[preset], rel=0.003
    )


def test_another_device_at_8_bit_is_met_without_fitting():
    card = {"parameters": 1.24e9, "layers": 16, "width": 2048, "kv_per_token": "32 KiB"}
    small = bandwidth({**card, "bytes_per_parameter": 1.0}, "102 GB/s")  # Jetson Orin Nano Super
    assert small.token_s * 1e3 == pytest.approx(PresetSlm.MS_PER_TOKEN["orin-nano-1.2b"], rel=0.02)


@pytest.mark.parametrize(
    ("memory", "model", "tokens"),
    [
        ("24 GB", "llama-3.1-8b", 41_408),  # in a real engine on an RTX 4090
        ("80 GB", "llama-2-7b", 108_000),  # on an A100
    ],
)
def test_the_room_of_a_gpu_is_what_engines_report(memory, model, tokens):
    found = KvMemory.model_validate({"memory": memory, "model": model}).tokens
    assert found == pytest.approx(tokens, rel=0.04)
