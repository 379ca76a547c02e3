"""Live models in the event loop: the run that recording and replaying gives, and what only it can.

A rule that does not look at the network must give the same answers and the same times as a trace
recorded under it and replayed; one that does look writes another text on another channel.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("transformers")

import pyarrow.parquet as pq
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from simnet.cli import main
from simnet.faults import InputError
from simnet.lm import record as recorder
from simnet.lm.lockstep import answers
from simnet.lm.pair import load_pair
from simnet.protocol.base import Setting
from simnet.scenario import build as builder
from simnet.scenario.document import ScenarioError
from simnet.scenario.read import read
from simnet.scenario.schema import Scenario
from simnet.trace.read import read_trace
from simnet.trace.schema import TOKENS, Dataset
from tests.scenarios import cell
from tests.tiny_pair import save_pair

PROMPTS = ["the cat sat", "a bird and a frog", "the dog sat on the log.", "a mat"]
GATE = {"kind": "value", "value": 0.9}
SECTIONS = {
    "hlm": {"kind": "hlm"},
    "u-hlm": {"kind": "u-hlm", "threshold": GATE},
    "cu-hlm": {"kind": "cu-hlm", "threshold": GATE, "truncation": {"kind": "fixed", "k": 8}},
    "slm-only": {"kind": "slm-only"},
}
COLUMNS = [column.name for column in TOKENS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("live")
    save_pair(folder)
    (folder / "prompts.txt").write_text("\n\n".join(PROMPTS))
    return folder


def live_cell(protocol, **changes):
    data = cell("none", **changes)
    group = data["devices"]["phones"]
    del group["trace"]
    group["protocol"] = protocol
    group["models"] = {
        "slm": "slm",
        "llm": "llm",
        "prompts": "prompts.txt",
        "temperature": 0.8,
        "max_new_tokens": 14,
    }
    return data


def simulated(data, folder):
    """The simulation after its run, its request and its round records."""
    simulation = builder.build(Scenario.model_validate(data), 0, folder)
    simulation.run()
    log = simulation.network.log
    return simulation, log.requests.read(), log.rounds.read()


class Replayed:
    """Recorded answers in place of those that the models would make, by the request's key."""

    static = True

    def __init__(self, live, compiled):
        self.live, self.compiled, self.plan = live, compiled, compiled.plan
        self.number = {key: i for i, key in enumerate(live.texts)}
        self.requests = live.requests

    def prompt(self, request):
        return self.live.prompt(request)

    def rounds(self, request, draws, view):
        return self.compiled.answers[self.number[f"{draws.key:016x}"]]


@pytest.mark.parametrize("kind", SECTIONS)
def test_it_is_the_run_of_recording_and_replaying(kind, folder, tmp_path, monkeypatch):
    data = live_cell(SECTIONS[kind], stop={"requests": 14})
    simulation, requests, rounds = simulated(data, folder)
    live = simulation.groups[0].protocol
    keys, asked = list(live.texts), requests["trace_request"].tolist()
    assert len(set(asked)) > 1
    assert len(keys) >= 14

    config = Scenario.model_validate(data).devices["phones"].protocol

    def named(pair, tasks, *limits):
        return answers(pair, [replace(task, name=keys[int(task.name)]) for task in tasks], *limits)

    monkeypatch.setattr(recorder, "answers", named)
    sources = str(folder / "slm"), str(folder / "llm")
    recording = recorder.Recording(
        prompts=[PROMPTS[choice] for choice in asked[: len(keys)]],
        dataset=Dataset(name="animals", licence="CC0-1.0"),
        max_new_tokens=14,
        temperature=0.8,
        seed=data["seed"],
        keep_text=False,
        protocol=config,
    )
    recorder.record(load_pair(*sources), sources, recording, tmp_path / "t")
    trace = read_trace(tmp_path / "t", COLUMNS)
    for number, text in enumerate(live.texts.values()):
        rows = slice(trace.offsets[number], trace.offsets[number + 1])
        recorded = trace.tokens["final_id"][rows].tolist()
        assert text == recorded[: len(text)]

    every = np.full(len(keys), "replay")
    trace = replace(trace, requests={**trace.requests, "split": every})
    scenario = Scenario.model_validate(data)
    setting = Setting(
        trace, scenario.devices["phones"].slm, 0, scenario.ledger, True, scenario.seed, 0, "phones"
    )
    again = Replayed(live, config.build(setting))
    monkeypatch.setattr(builder, "_protocol", lambda *arguments: again)
    _, _, replayed = simulated(data, folder)
    ours, theirs = done(rounds), done(replayed)
    assert len(ours["request"]) > 14
    for name in set(rounds) - {"plan_round"}:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    mine, other = live.plan.read(ours["plan_round"]), again.plan.read(theirs["plan_round"])
    for name in mine:
        np.testing.assert_allclose(mine[name], other[name], rtol=0, atol=2e-3, err_msg=name)
    if kind != "slm-only":
        assert 0 < mine["accepted"].sum() < mine["evaluated"].sum()
    if kind in ("u-hlm", "cu-hlm"):
        assert 0 < mine["skipped"].sum() < mine["committed"].sum()


def done(rounds):
    """Rounds that the end of the run did not cut, by request and time."""
    complete = np.flatnonzero(rounds["finished_ns"] >= 0)
    order = np.lexsort((rounds["started_ns"][complete], rounds["request"][complete]))
    return {name: values[complete][order] for name, values in rounds.items()}


def test_a_rule_that_reads_the_channel_changes_the_text(folder):
    """One device, one user: the same requests and draws on three uplinks."""

    def texts(protocol, bandwidth):
        data = live_cell(protocol, stop={"requests": 5}, uplink__bandwidth=bandwidth)
        data["devices"]["phones"]["count"] = 1
        simulation, _, _ = simulated(data, folder)
        live = simulation.groups[0].protocol
        return dict(list(live.texts.items())[:5]), live

    deadline = {"kind": "deadline-hlm", "deadline": "20 ms"}
    fast, _ = texts(deadline, "1 GHz")
    slow, _ = texts(deadline, "1 Hz")
    between, live = texts(deadline, "20 kHz")
    assert fast == texts({"kind": "hlm"}, "1 GHz")[0]  # all is sent
    assert slow == texts({"kind": "slm-only"}, "1 Hz")[0]  # nothing is
    assert fast.keys() == slow.keys() == between.keys()
    assert all(fast[key] != slow[key] for key in fast)
    assert between not in (fast, slow)
    plan = live.plan.read(np.arange(sum(map(len, between.values()))))
    assert 0 < plan["drafted"].sum() < plan["committed"].sum()
    assert plan["skipped_rejection_mass"].sum() > 0

    aware = {"kind": "channel-aware-hlm", "threshold": {"kind": "value", "value": 0.5}}
    aware |= {"airtime": "10 ms", "entries": [4, 64]}
    few, low = texts(aware, "10 kHz")
    many, high = texts(aware, "1 GHz")
    assert few != many
    assert (low.plan.read(np.arange(20))["payload_bits"] < 64 * 17).any()
    sent = high.plan.read(np.arange(20))["payload_bits"]
    assert set(sent[sent > 0]) == {64 * 17}


def test_a_run_is_repeated_bit_for_bit(folder):
    data = live_cell({"kind": "deadline-hlm", "deadline": "20 ms"}, stop={"requests": 6})
    one, other = (simulated(data, folder) for _ in range(2))
    assert one[0].groups[0].protocol.texts == other[0].groups[0].protocol.texts
    for name, values in one[2].items():
        np.testing.assert_array_equal(values, other[2][name])


@pytest.mark.parametrize(
    ("protocol", "changes", "message"),
    [
        ({"kind": "dssd"}, {}, "dssd does not run in co-simulation"),
        ({"kind": "llm-only"}, {}, "llm-only does not run in co-simulation"),
        (
            {"kind": "u-hlm", "threshold": {"kind": "risk-prone"}},
            {},
            "live models need the threshold by its value",
        ),
        ({"kind": "hlm"}, {"trace": "bundled:sgd-dialogue"}, "has a trace already"),
    ],
)
def test_what_does_not_run_is_refused_at_its_place(protocol, changes, message, tmp_path):
    data = live_cell(protocol)
    data["devices"]["phones"] |= changes
    file = tmp_path / "scenario.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(ScenarioError, match=message) as caught:
        read(file, Scenario)
    assert any(f"{file}:" in fault and message in fault for fault in caught.value.faults)


def test_missing_models_and_long_prompts_are_named(folder, tmp_path):
    data = live_cell({"kind": "hlm"})
    with pytest.raises(InputError, match=r"prompts\.txt"):
        builder.build(Scenario.model_validate(data | {}), 0, Path(tmp_path))
    long = tmp_path / "long.txt"
    long.write_text("the cat sat on the mat. " * 40)
    data["devices"]["phones"]["models"]["prompts"] = str(long)
    with pytest.raises(InputError, match=r"prompt 1 has \d+ tokens, the models read 1 to 64"):
        builder.build(Scenario.model_validate(data), 0, folder)


def test_results_say_which_weights_and_prompts_made_them(folder, tmp_path):
    """By hash, in the tables and on the page; results of other weights are not gone on with."""
    data = live_cell(SECTIONS["hlm"])
    scenario = folder / "live.yaml"
    scenario.write_text(yaml.safe_dump(data), encoding="utf-8")
    arguments = ["run", str(scenario), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    expected = {
        name: hashlib.sha256((folder / file).read_bytes()).hexdigest()
        for name, file in {
            "slm": "slm/model.safetensors",
            "llm": "llm/model.safetensors",
            "prompts": "prompts.txt",
        }.items()
    }
    metadata = pq.read_schema(tmp_path / "out" / "runs.parquet").metadata[b"simnet"]
    (card,) = json.loads(metadata)["models"]
    assert {name: card[name]["sha256"] for name in expected} == expected
    page = tmp_path / "page.html"
    result = CliRunner().invoke(main, ["report", str(tmp_path / "out"), "--out", str(page)])
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert all(digest in text for digest in expected.values())
    assert "live</b> models made the tokens" in text

    weights = folder / "slm" / "model.safetensors"
    kept = weights.read_bytes()
    try:
        save_file({n: w + 1 for n, w in load_file(weights).items()}, weights, {"format": "pt"})
        result = CliRunner().invoke(main, arguments)
    finally:
        weights.write_bytes(kept)
    assert result.exit_code == 2
    assert "holds results of another experiment (models was" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("field", "message"),
    [("slm", "there is no directory"), ("prompts", "No such file or directory")],
)
def test_missing_models_and_prompts_are_named_before_anything_is_written(
    folder, tmp_path, field, message
):
    data = live_cell(SECTIONS["hlm"])
    data["devices"]["phones"]["models"][field] = "./none"
    scenario = folder / f"no_{field}.yaml"
    scenario.write_text(yaml.safe_dump(data), encoding="utf-8")
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["run", str(scenario), "--out", str(out)])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not out.exists()


@pytest.mark.parametrize("kind", ["hlm", "cu-hlm"])
def test_drafting_ahead_changes_times_and_no_text(kind, folder):
    given = {"devices__phones__count": 1, "stop": {"requests": 4}}
    texts, ends = [], []
    for ahead in (False, True):
        data = live_cell(SECTIONS[kind], devices__phones__draft_ahead=ahead, **given)
        simulation, _, _ = simulated(data, folder)
        texts.append(simulation.groups[0].protocol.texts)
        ends.append(simulation.network.env.now)
    assert texts[0] == texts[1]
    assert ends[1] < ends[0]
