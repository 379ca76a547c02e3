"""Bad input is answered with one clear message, exit status 2, and nothing half-written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import simnet.cli
from simnet.cli import main
from simnet.faults import InputError

GOOD = """\
version: 1
name: probe
seed: 1
stop: {requests: 5}
devices:
  phones:
    count: 2
    slm: {kind: constant, time_per_token: 20 ms}
    traffic: {kind: full-buffer}
    protocol: {kind: probe, payload: {kind: constant, value: 10 kbit}}
uplink:
  bandwidth: 1 MHz
  rate: {kind: fixed, value: 1 Mbit/s}
  mac: {kind: fifo}
downlink: {kind: fixed, latency: 5 ms}
server:
  step_time: {kind: constant, time: 30 ms}
sweep:
  devices.phones.count: [1, 2]
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(GOOD)
    return path


def changed(scenario, old, new):
    assert GOOD.count(old) == 1, f"{old!r} must stand once in the scenario"
    scenario.write_text(GOOD.replace(old, new))


def refused(*arguments):
    """Message of a verb that must refuse its input."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)  # nothing else came through
    assert result.stdout == ""
    return result.stderr.strip()


def test_the_scenario_of_these_tests_is_good(scenario, tmp_path):
    result = CliRunner().invoke(main, ["run", str(scenario), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "runs.parquet").exists()


# What is changed in the good scenario, where the message must stand, and what it must say.
ONE_CHANGE = [
    ("seed: 1", "sede: 1", "3:1: sede: unknown key; did you mean 'seed'?"),
    ("count: 2", "cuont: 2", "7:5: devices.phones.cuont: unknown key; did you mean 'count'?"),
    ("count: 2", "count: -2", "7:5: devices.phones.count: must be at least 1 (got -2)"),
    ("count: 2", "count: 0", "7:5: devices.phones.count: must be at least 1 (got 0)"),
    ("count: 2", "count: 2.5", "7:5: devices.phones.count: must be a whole number (got 2.5)"),
    ("count: 2", "count: two", "7:5: devices.phones.count: must be a whole number (got 'two')"),
    ("count: 2", "count: 20e6x", "7:5: devices.phones.count: must be a whole number"),
    (
        "bandwidth: 1 MHz",
        "bandwidth: 10000000",
        "12:3: uplink.bandwidth: write a frequency with its unit, such as '10 MHz'"
        " (units: Hz, kHz, MHz, GHz) (got 10000000)",
    ),
    ("bandwidth: 1 MHz", "bandwidth: 20e6", "12:3: uplink.bandwidth: write a frequency with its"),
    ("bandwidth: 1 MHz", "bandwidth: 1 ms", "12:3: uplink.bandwidth: 'ms' is for a duration"),
    ("bandwidth: 1 MHz", "bandwidth: 1 mhz", "12:3: uplink.bandwidth: unknown unit 'mhz'"),
    ("bandwidth: 1 MHz", "bandwidth: -1 MHz", "12:3: uplink.bandwidth: must be greater than 0"),
    ("  bandwidth: 1 MHz\n", "", "11:1: uplink.bandwidth: missing (Bandwidth; such as '10 MHz')"),
    ("latency: 5 ms", "latency: 1:30", "downlink.latency: write a duration as a number and a unit"),
    ("latency: 5 ms", "latency: -5 ms", "15:25: downlink.latency: must be at least 0"),
    ("kind: fifo", "kind: fiffo", "14:9: uplink.mac.kind: unknown kind; did you mean 'fifo'?"),
    ("{kind: fifo}", "fifo", "14:3: uplink.mac: must be a section of `key: value` lines; write"),
    ("{kind: fifo}", "{}", "14:3: uplink.mac: its kind is missing: give `kind:` with one of "),
    (
        "kind: fifo",
        "kind: fifo, slots: 3",
        "14:21: uplink.mac.slots: unknown key of kind 'fifo'",
    ),
    (
        "    count: 2",
        "    count: 2\n    device_queue: no",
        "8:5: devices.phones.device_queue: must be true or false; YAML 1.2 has no yes and no"
        " (got 'no')",
    ),
    (
        "{kind: fifo}",
        "{kind: round-robin, pattern: D}",
        "14:28: uplink.mac.pattern: must fit the pattern ^[DSU]*U[DSU]*$ (got 'D')",
    ),
    ("name: probe", "name: 1.0", "2:1: name: must be text; put it in quotes (got 1.0)"),
    ("seed: 1", "seed: 1\nseed: 2", "4:1: seed: given twice (first at line 3, column 1)"),
    ("  mac:", "\tmac:", "14:1: a tab cannot indent YAML; use spaces"),
    ("{kind: fifo}", "{kind: fifo", "not YAML"),
    ("version: 1", "version: 2", "1:1: version: must be 1 (got 2)"),
    ("stop: {requests: 5}", "stop: {}", "4:1: stop: give either duration or requests"),
    (
        "stop: {requests: 5}",
        "stop: {duration: 5 s, warmup: 6 s}",
        "4:23: stop.warmup: must be shorter than the duration",
    ),
    (
        "    count: 2",
        "    count: 2\n    snr: 10 dB",
        "6:3: devices.phones: snr and position have no effect on a fixed rate: remove them",
    ),
    (
        "kind: probe, payload: {kind: constant, value: 10 kbit}",
        "kind: hlm",
        "devices.phones.trace: protocol hlm replays a token trace: give one",
    ),
    ("[1, 2]", "[]", "19:3: sweep.devices.phones.count: give at least one value"),
    ("[1, 2]", "3", "19:3: sweep.devices.phones.count: must be a list in brackets"),
]


@pytest.mark.parametrize("verb", ["run", "sweep"])
@pytest.mark.parametrize(("old", "new", "message"), ONE_CHANGE)
def test_a_fault_in_the_file(scenario, tmp_path, verb, old, new, message):
    changed(scenario, old, new)
    answer = refused(verb, scenario, "--out", tmp_path / "out")
    assert re.match(r".*x\.yaml:\d+:\d+: ", answer)
    assert message in answer
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[1, 2]", "[1, 0]", "19:29: devices.phones.count: must be at least 1 (got 0)"),
        ("  devices.phones.count:", "  devices.phnes.count:", "no such section; did you mean"),
        ("  devices.phones.count:", "  devices.phones.cuont:", "unknown key; did you mean 'count'"),
        ("  devices.phones.count:", "  seed.x:", "seed.x: there are no fields inside a value"),
        ("devices.phones.count: [1, 2]", "uplink.bandwidth: [1, 2]", "write a frequency with its"),
        (
            "devices.phones.count: [1, 2]",
            "stop: [{requests: 5}, {}]",
            "19:25: stop: give either duration or requests",
        ),
        (
            "devices.phones.count: [1, 2]",
            "uplink.rate: [{kind: shannon}]",
            "6:3: devices.phones: give either snr or position (with uplink.path_loss), to set the"
            " SNR (with uplink.rate={kind: shannon})",
        ),
    ],
)
def test_a_fault_in_a_point_of_the_sweep(scenario, tmp_path, old, new, message):
    changed(scenario, old, new)
    answer = refused("sweep", scenario, "--out", tmp_path / "out")
    assert re.match(r".*x\.yaml:\d+:\d+: ", answer)
    assert message in answer
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["run", "sweep"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devices.phones.cuont=3", "unknown key; did you mean 'count'?"),
        ("devices.phnes.count=3", "no such section; did you mean 'phones'?"),
        ("devices.phones.count=many", "must be a whole number (got 'many')"),
        ("uplink.bandwidth=10", "write a frequency with its unit, such as '10 MHz'"),
        ("uplink.mac.kind=fiffo", "unknown kind; did you mean 'fifo'?"),
        ("devices.phones.count", "write path=value, such as devices.phones.count=20"),
        ("devices={}", "devices: must not be empty"),
        ("stop=[1", "not YAML"),
    ],
)
def test_a_fault_in_an_override(scenario, tmp_path, verb, text, message):
    answer = refused(verb, scenario, "--out", tmp_path / "out", "--set", text)
    assert answer.startswith(f"--set {text}")
    assert message in answer
    assert not (tmp_path / "out").exists()


def test_all_faults_are_reported_at_once(scenario, tmp_path):
    scenario.write_text(GOOD.replace("seed: 1", "seed: x").replace("count: 2", "count: 0"))
    answer = refused("run", scenario, "--set", "uplink.bandwidth=1")
    assert [re.sub(r"^.*?x\.yaml:", "", line).split(": ")[0] for line in answer.splitlines()] == [
        "3:1",
        "7:5",
        "--set uplink.bandwidth=1",
    ]


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_scenarios_that_cannot_be_read(tmp_path, scenario, verb):
    assert "y.yaml: no such file; did you mean" in refused(verb, tmp_path / "y.yaml")
    assert "Is a directory" in refused(verb, tmp_path)
    scenario.write_bytes(b"\xff\xfe\x00")
    assert "x.yaml:1:1: not UTF-8 text" in refused(verb, scenario)
    scenario.write_text("")
    assert "x.yaml:1:1: the file is empty" in refused(verb, scenario)
    scenario.write_text("- 1\n")
    assert "x.yaml:1:1: a scenario is a section" in refused(verb, scenario)


def with_trace(scenario, reference):
    text = re.sub(r"protocol: .*", f"protocol: {{kind: hlm}}\n    trace: {reference}", GOOD)
    scenario.write_text(text)


@pytest.mark.parametrize("verb", ["run", "sweep"])
@pytest.mark.parametrize(
    ("reference", "manifest", "message"),
    [
        ("lost", None, "lost"),
        ("bundled:nothing", None, "nothing"),
        ("here", None, "manifest.yaml"),
        ("here", "version: [1", "manifest.yaml"),
        ("here", "version: 1\n", "manifest.yaml"),
    ],
)
def test_a_trace_that_is_missing_or_damaged(scenario, tmp_path, verb, reference, manifest, message):
    with_trace(scenario, reference)
    if reference == "here":
        (tmp_path / "here").mkdir()
    if manifest:
        (tmp_path / "here" / "manifest.yaml").write_text(manifest)
    for line in refused(verb, scenario, "--out", tmp_path / "out").splitlines():
        assert "x.yaml:11:5: devices.phones.trace: " in line
        assert message in line
    assert not (tmp_path / "out").exists()


def test_a_swept_trace_is_at_fault_in_the_sweep(scenario, tmp_path):
    text = GOOD.replace("devices.phones.count: [1, 2]", "devices.phones.trace: [lost, gone]")
    protocol = "protocol: {kind: hlm}\n    trace: bundled:nothing"
    scenario.write_text(re.sub(r"protocol: .*", protocol, text))
    lines = refused("sweep", scenario, "--out", tmp_path / "out").splitlines()
    assert [line.partition("x.yaml:")[2] for line in lines] == [
        "20:26: devices.phones.trace: trace 'lost': no directory " + str(tmp_path / "lost"),
        "20:32: devices.phones.trace: trace 'gone': no directory " + str(tmp_path / "gone"),
    ]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_results_are_never_written_over_something_else(scenario, tmp_path, verb):
    (tmp_path / "taken").write_text("mine")
    assert "cannot be written" in refused(verb, scenario, "--out", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    assert "give another --out" in refused(verb, scenario, "--out", tmp_path / "full")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    (tmp_path / "missing").symlink_to(tmp_path / "nowhere" / "else")
    assert "cannot be written" in refused(verb, scenario, "--out", tmp_path / "missing" / "out")


def test_the_directory_of_another_experiment_is_left_alone(scenario, tmp_path):
    arguments = ["run", str(scenario), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    answer = refused(*arguments, "--set", "seed=2")
    assert "holds results of another experiment (seed was 1, is 2); give another --out" in answer
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_a_directory_without_a_complete_run_is_begun_anew(scenario, tmp_path, verb):
    """Once the mistake that no run survived is put right, the same command works."""
    radio = "  rate: {kind: shannon}\n"
    changed(scenario, "  rate: {kind: fixed, value: 1 Mbit/s}\n", radio)
    good = scenario.read_text().replace("    count: 2\n", "    count: 2\n    snr: 10 dB\n")
    scenario.write_text(good.replace("snr: 10 dB", "snr: -900 dB"))
    words = [verb, str(scenario), "--out", str(tmp_path / "out")]
    assert "less than 1 bit/s" in refused(*words)
    scenario.write_text(good)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "snr: 10 dB" in (tmp_path / "out" / "scenario.yaml").read_text()
    scenario.write_text(good.replace("snr: 10 dB", "snr: 11 dB"))
    assert "devices.phones.snr was 10 dB, is 11 dB" in refused(*words)


@pytest.mark.parametrize("name", ["../mine", "a/b", ".hidden"])
def test_a_name_never_leads_out_of_results(scenario, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    changed(scenario, "name: probe", f"name: {name}")
    assert refused("sweep", scenario) == (
        f"name: {name!r} cannot name a directory of results: give --out"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def test_results_that_are_unfinished_or_damaged(scenario, tmp_path):
    out = tmp_path / "out"
    assert CliRunner().invoke(main, ["run", str(scenario), "--out", str(out)]).exit_code == 0
    whole = (out / "runs.parquet").read_bytes()
    (out / "runs.parquet").write_bytes(whole[: len(whole) // 2])
    records = out / "runs" / "p0000-r000" / "rounds.parquet"
    for verb in ("plot", "report"):
        assert f"{out / 'runs.parquet'}: damaged; remove it" in refused(verb, out)
    (out / "runs.parquet").unlink()
    for verb in ("plot", "report"):
        assert "its runs are not finished" in refused(verb, out)
    (out / "runs.parquet").write_bytes(whole)
    records.write_bytes(b"PAR1")
    assert f"{records}: damaged; remove" in refused("plot", out, "--kind", "queue")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "bundled:quickstat"],
            "no bundled scenario 'quickstat'; did you mean 'quickstart'?",
        ),
        (["swep"], "no such verb 'swep'; did you mean 'sweep'?"),
        (["rocket"], "verbs: run, sweep"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["run", "x.yaml", "--sett", "a=1"], "--set"),
        (["sweep", "x.yaml", "--jobs", "0"], "--jobs"),
        (["list", "fadng"], "did you mean 'fading'?"),
        (["list", "fading", "raleigh"], "fading has no kind 'raleigh'; did you mean 'rayleigh'?"),
        (["plot", "nowhere"], "nowhere"),
    ],
)
def test_a_command_that_does_not_exist(arguments, message):
    assert message in refused(*arguments)


def test_every_verb_has_its_file_and_help():
    for verb, (_, line) in simnet.cli.VERBS.items():
        result = CliRunner().invoke(main, [verb, "--help"])
        assert result.exit_code == 0, result.output
        assert line.endswith(".")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("a.yaml:1:1: wrong"), 2, "a.yaml:1:1: wrong\n"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 141, ""),
        (PermissionError(13, "Permission denied", "x"), 2, "x: Permission denied\n"),
    ],
)
def test_exit_status_of_what_a_verb_raises(monkeypatch, error, status, message):
    def fail(self, ctx):
        raise error

    monkeypatch.setattr("click.Command.invoke", fail)
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_defect_is_not_disguised_as_bad_input(monkeypatch):
    def fail(self, ctx):
        raise ValueError("a defect")

    monkeypatch.setattr("click.Command.invoke", fail)
    assert isinstance(CliRunner().invoke(main, ["schema"]).exception, ValueError)


def simnet_process(*arguments, **options):
    command = [sys.executable, "-m", "simnet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_as_a_process_bad_input_leaves_with_2_and_no_traceback(scenario, tmp_path):
    changed(scenario, "count: 2", "count: -2")
    process = simnet_process("run", scenario, "--out", tmp_path / "out")
    assert process.returncode == 2
    assert process.stdout == ""
    expected = f"{scenario}:7:5: devices.phones.count: must be at least 1 (got -2)\n"
    assert process.stderr == expected
    assert not (tmp_path / "out").exists()


def test_help_does_not_load_the_simulator():
    code = (
        "import sys; from click.testing import CliRunner; from simnet.cli import main; "
        "CliRunner().invoke(main, ['--help']); "
        "print([m for m in ('numpy', 'pydantic', 'pyarrow', 'simpy', 'yaml') if m in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.stdout == "[]\n", process.stderr


def test_a_reader_that_has_seen_enough_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "simnet", "schema"]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert process.stderr == ""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("arguments", [("schema",), ("run", "{}")])
def test_what_it_prints_does_not_fit_on_the_disk(scenario, arguments):
    command = [sys.executable, "-m", "simnet", *(a.format(scenario) for a in arguments)]
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert process.stderr == (
        "stdout: No space left on device; make room and give the same command again\n"
    )
    assert process.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "{scenario}", "--out", "{new}"),
        ("sweep", "{scenario}", "--out", "{new}", "--records", "--jobs", "1"),
        ("run", "{scenario}", "--timeline", "{new}"),
        ("report", "{results}", "--out", "{new}"),
        ("trace", "synthesise", "iid", "{new}"),
    ],
)
def test_a_file_that_does_not_fit_on_the_disk(scenario, tmp_path, arguments):
    resource = pytest.importorskip("resource")
    names = {"scenario": scenario, "new": tmp_path / "new", "results": tmp_path / "results"}
    if "{results}" in arguments:
        simnet_process("run", scenario, "--out", names["results"])
    most = 2048 if arguments[0] in ("run", "sweep") else 512
    process = simnet_process(
        *(a.format(**names) for a in arguments),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert re.fullmatch(
        rf"{tmp_path}/new\S*: File too large; make room and give the same command again\n",
        process.stderr,
    ), process.stderr
    assert process.returncode == 2
    left = {path.name for path in tmp_path.rglob("new*") if path.is_file()}
    left |= {path.name for path in (tmp_path / "new").rglob("*")}
    assert left <= {"scenario.yaml", "provenance.json", "runs", "sweep.lock", ".lock"}


def test_list_and_schema():
    import json

    listed = CliRunner().invoke(main, ["list"])
    assert listed.exit_code == 0
    assert all(word in listed.stdout for word in ("protocol", "cu-hlm", "fading", "rayleigh"))
    one = CliRunner().invoke(main, ["list", "fading", "rayleigh"])
    assert "coherence" in one.stdout
    schema = json.loads(CliRunner().invoke(main, ["schema"]).stdout)
    assert schema["properties"]["uplink"]["$ref"] == "#/$defs/Uplink"
    assert schema["$defs"]["Uplink"]["properties"]["bandwidth"]["type"] == "string"
    assert "kind" in schema["$defs"]["RayleighFading"]["required"]
