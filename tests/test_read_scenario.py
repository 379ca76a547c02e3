"""A scenario with faults is answered with all of them, each in its place with a way out."""

import pickle
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, model_validator

from simnet.registry import Config, Family
from simnet.scenario.read import ScenarioError, check, override, read, read_document
from simnet.units import Decibel, Duration, Frequency


class Fading(Config):
    """A family."""


FADINGS = Family[Fading]("fading")


@FADINGS.register
class NoFading(Fading):
    kind: Literal["none"] = "none"


@FADINGS.register
class Rayleigh(Fading):
    kind: Literal["rayleigh"] = "rayleigh"
    coherence: Duration = Field(gt=0, description="Length of a block")


class Mac(Config):
    kind: Literal["fifo"] = "fifo"


MACS = Family[Mac]("mac")
MACS.register(Mac)


class Noise(Config):
    figure: Decibel = Field(5.0, ge=0)


class Uplink(Config):
    bandwidth: Frequency = Field(gt=0, description="Bandwidth")
    scheduler: Literal["round-robin", "proportional-fair"] = "round-robin"
    noise: Noise = Noise()
    fading: FADINGS.schema() = NoFading()
    mac: MACS.schema() = Mac()


class Group(Config):
    count: int = Field(ge=1)
    rates: tuple[float, ...] = ()
    shared: bool = False
    limit: int | Literal["none"] = "none"


class Model(Config):
    seed: int
    name: str = "x"
    uplink: Uplink
    devices: dict[str, Group] = Field({}, min_length=0)
    sweep: dict[str, list[Any]] = Field({})

    @model_validator(mode="after")
    def _fits(self):
        if self.seed == 13 and any(g.count == 13 for g in self.devices.values()):
            raise ValueError("13 devices need another seed")
        return self


GOOD = """\
seed: 7
uplink:
  bandwidth: 10 MHz
  fading: {kind: rayleigh, coherence: 5 ms}
devices:
  phones: {count: 3, rates: [1, 2.5]}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return path


def faults(tmp_path, text, *overrides):
    with pytest.raises(ScenarioError) as caught:
        read(write(tmp_path, text), Model, overrides)
    return [line.replace(f"{tmp_path}/", "") for line in caught.value.faults]


def test_a_good_scenario_is_read(tmp_path):
    model = read(write(tmp_path, GOOD), Model)
    assert model.uplink.bandwidth == 10e6
    assert model.uplink.fading == Rayleigh(coherence="5 ms")
    assert model.devices["phones"].rates == (1.0, 2.5)  # a list in YAML, a tuple in the model


def test_every_fault_is_reported_in_the_order_of_the_file(tmp_path):
    text = """\
seed: 7.5
uplink:
  scheduler: proportional_fiar
  bandwidth: -20 MHz
  bandwith: 1 Hz
  fading: {kind: raleigh}
  mac: {kind: fifi}
devices:
  phones: {count: 0, shared: no, limit: nine}
  cars: {}
"""
    assert faults(tmp_path, text) == [
        "x.yaml:1:1: seed: must be a whole number (got 7.5)",
        "x.yaml:3:3: uplink.scheduler: unknown; did you mean 'proportional-fair'?"
        " (got 'proportional_fiar')",
        "x.yaml:4:3: uplink.bandwidth: must be greater than 0 (got '-20 MHz')",
        "x.yaml:5:3: uplink.bandwith: unknown key; did you mean 'bandwidth'?",
        "x.yaml:6:12: uplink.fading.kind: unknown kind; did you mean 'rayleigh'? (got 'raleigh')",
        "x.yaml:7:9: uplink.mac.kind: unknown kind; did you mean 'fifo'? (got 'fifi')",
        "x.yaml:9:12: devices.phones.count: must be at least 1 (got 0)",
        "x.yaml:9:22: devices.phones.shared: must be true or false;"
        " YAML 1.2 has no yes and no (got 'no')",
        "x.yaml:9:34: devices.phones.limit: must be a whole number; or must be none (got 'nine')",
        "x.yaml:10:3: devices.cars.count: missing",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("10000000", "write a frequency with its unit, such as '10 MHz'"),
        ("20e6", "(got 20e6)"),
        ("10 ms", "'ms' is for a duration"),
        ("10 mhz", "did you mean 'MHz'?"),
        ("1:30", "write a frequency as a number and a unit"),
        ("[10 MHz]", "(got a list)"),
        (".nan", "write a frequency with its unit"),
        ("-.inf", "write a frequency with its unit"),
        ("", "(got null)"),
        ("010 Hzz", "did you mean 'Hz'?"),
    ],
)
def test_a_quantity_says_which_unit_to_write(tmp_path, given, message):
    (fault,) = faults(tmp_path, f"seed: 1\nuplink:\n  bandwidth: {given}\n")
    assert fault.startswith("x.yaml:3:3: uplink.bandwidth: ")
    assert message in fault


def test_a_number_with_an_exponent_is_a_number(tmp_path):
    text = GOOD.replace("rates: [1, 2.5]", "rates: [20e6, 0x10, 1e-3]")
    assert read(write(tmp_path, text), Model).devices["phones"].rates == (20e6, 16.0, 1e-3)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("seed: 1\nseed: 2\n", "2:1: seed: given twice (first at line 1, column 1); keep one"),
        ("seed: 1\nuplink:\n\tbandwidth: 1 Hz\n", "3:1: a tab cannot indent YAML; use spaces"),
        ("seed: [1\n", "2:1: not YAML: expected ',' or ']'"),
        ("a: b: c\n", "1:5: not YAML: mapping values are not allowed here"),
        ("", "1:1: the file is empty"),
        ("# nothing\n", "1:1: the file is empty"),
        ("- 1\n", "1:1: a scenario is a section of `key: value` lines (got a list)"),
        ("hello\n", "1:1: a scenario is a section of `key: value` lines (got 'hello')"),
        ("a: 1\n---\nb: 1\n", "2:1: not YAML: but found another document"),
        ("a: &a [*a]\n", "1:4: an alias must not contain itself"),
        ("a: !!python/name:os.system x\n", "1:4: the tag !!python/name:os.system has no meaning"),
        ("a: !!int x\n", "1:4: 'x' cannot be read as !!int"),
        ("? [1]\n: 2\n", "1:3: a key must be a word"),
        ("a: \x07\n", "1:1: a control character is not allowed"),
        ("a: " + "[" * 1500, "1:1: nested too deeply"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n"
                for a, b in zip("abcde", "bcdef", strict=True)
            ),
            "more than 100000 values",
        ),
    ],
)
def test_text_that_is_no_scenario(tmp_path, text, fault):
    (line,) = faults(tmp_path, text)
    assert fault in line


def test_a_file_that_cannot_be_read(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(ScenarioError, match=r"y\.yaml: no such file; did you mean '.*x\.yaml'\?"):
        read(tmp_path / "y.yaml", Model)
    with pytest.raises(ScenarioError, match="Is a directory"):
        read(tmp_path, Model)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("seed: 1\nname: café\n".encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"latin\.yaml:2:10: not UTF-8 text \(byte 0xe9\)"):
        read(latin, Model)
    latin.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())  # a byte-order mark does no harm
    assert read(latin, Model).seed == 7


def test_missing_sections_and_kinds(tmp_path):
    assert faults(tmp_path, "seed: 1\nuplink: {bandwidth: 1 Hz, fading: {coherence: 1 s}}\n") == [
        "x.yaml:2:27: uplink.fading: its kind is missing: give `kind:` with one of none, rayleigh"
    ]
    assert faults(tmp_path, "seed: 1\nuplink: {bandwidth: 1 Hz, mac: {}}\n") == [
        "x.yaml:2:27: uplink.mac: its kind is missing: give `kind:` with one of fifo"
    ]
    assert faults(tmp_path, "seed: 1\nuplink: {bandwidth: 1 Hz, fading: rayleigh}\n") == [
        "x.yaml:2:27: uplink.fading: must be a section of `key: value` lines;"
        " write {kind: rayleigh} (got 'rayleigh')"
    ]
    assert faults(tmp_path, "seed: 1\nuplink: {fading: {kind: rayleigh}}\n") == [
        "x.yaml:2:1: uplink.bandwidth: missing (Bandwidth; such as '10 MHz')",
        "x.yaml:2:10: uplink.fading.coherence: missing (Length of a block; such as '5 ms')",
    ]
    text = "seed: 1\nuplink: {bandwidth: 1 Hz, fading: {kind: none, coherence: 1 s}}\n"
    assert faults(tmp_path, text) == [
        "x.yaml:2:48: uplink.fading.coherence: unknown key of kind 'none'"
    ]


def test_overrides_change_values_anywhere(tmp_path):
    model = read(
        write(tmp_path, GOOD),
        Model,
        [
            "devices.phones.count=20",
            "devices.phones.rates.1=7",
            "uplink.noise.figure=3 dB",  # a section the file does not have
            "uplink.fading={kind: none}",
            "devices.cars={count: 2}",
        ],
    )
    assert model.devices == {"phones": Group(count=20, rates=(1.0, 7.0)), "cars": Group(count=2)}
    assert model.uplink.noise.figure == 3.0
    assert model.uplink.fading == NoFading()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("devices.phones.cuont=3", "devices.phones.cuont: unknown key; did you mean 'count'?"),
        ("devices.phnes.count=3", "devices.phnes: no such section; did you mean 'phones'?"),
        ("uplnk.bandwidth=1 Hz", "uplnk: no such section; did you mean 'uplink'?"),
        ("devices.phones.count=many", "devices.phones.count: must be a whole number (got 'many')"),
        ("devices.phones.count=0", "devices.phones.count: must be at least 1 (got 0)"),
        ("devices.phones.rates.5=1", "devices.phones.rates.5: no such entry; the list has"),
        ("seed.x=1", "seed.x: there are no fields inside a value"),
        ("uplink.bandwidth=10", "write a frequency with its unit, such as '10 MHz'"),
        ("seed", "write path=value"),
        ("=3", "write path=value"),
        ("seed=[1", "not YAML"),
        ("seed=", "seed: must be a whole number (got null)"),
    ],
)
def test_a_fault_in_an_override_names_the_override(tmp_path, text, fault):
    (line,) = faults(tmp_path, GOOD, text)
    assert line.startswith(f"--set {text}")
    assert fault in line


def test_a_combination_that_only_the_override_makes_is_told_apart(tmp_path):
    text = GOOD + "bad: 1\n"
    assert faults(tmp_path, text, "uplink.fading.kind=none") == [
        "x.yaml:4:28: uplink.fading.coherence: unknown key of kind 'none'"
        " (with uplink.fading.kind=none)",
        "x.yaml:7:1: bad: unknown key; known here: devices, name, seed, sweep, uplink",
    ]
    assert faults(tmp_path, GOOD, "seed=13", "devices.phones.count=13") == [
        "x.yaml:1:1: 13 devices need another seed (with seed=13, devices.phones.count=13)"
    ]


def test_a_sweep_point_is_at_fault_where_the_sweep_names_it(tmp_path):
    text = GOOD + "sweep:\n  devices.phones.count: [1, 0]\n"
    document = read_document(write(tmp_path, text))
    origin = document.place(("sweep", "devices.phones.count", 1))
    assert origin == f"{tmp_path}/x.yaml:8:29"
    point = document.assign("devices.phones.count", 0, origin, Model)
    with pytest.raises(ScenarioError) as caught:
        check(point, Model)
    message = "devices.phones.count: must be at least 1 (got 0)"
    assert str(caught.value) == f"{tmp_path}/x.yaml:8:29: {message}"
    assert document.data["devices"]["phones"]["count"] == 3  # assigning leaves the first as it was


def test_keys_with_dots_can_be_overridden(tmp_path):
    text = GOOD + "sweep:\n  devices.phones.count: [1, 2]\n"
    overrides = ["sweep.devices.phones.count.1=5", "sweep.uplink.bandwidth=[1 MHz, 2 MHz]"]
    assert read(write(tmp_path, text), Model, overrides).sweep == {
        "devices.phones.count": [1, 5],
        "uplink.bandwidth": ["1 MHz", "2 MHz"],
    }


def test_text_at_hand_needs_no_file():
    document = override(read_document("somewhere.yaml", GOOD), ["seed=8"], Model)
    assert check(document, Model).seed == 8


def test_faults_travel_between_processes():
    error = pickle.loads(pickle.dumps(ScenarioError(["a:1:1: x", "a:2:1: y"])))
    assert error.faults == ("a:1:1: x", "a:2:1: y")
    assert str(error) == "a:1:1: x\na:2:1: y"
