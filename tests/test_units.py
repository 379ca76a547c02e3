"""A quantity is read without rounding, and written so that it reads back as itself."""

import math
import re
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from simnet import units
from simnet.registry import Config
from simnet.units import (
    QUANTITIES,
    Data,
    DataRate,
    Decibel,
    Distance,
    Duration,
    Energy,
    Frequency,
    Power,
    PowerDensity,
    Rate,
    Speed,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def read(quantity, text):
    return TypeAdapter(quantity).validate_python(text)


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (Duration, "18.5 ms", 0.0185),
        (Duration, "18.5ms", 0.0185),
        (Duration, "3 µs", 3e-6),
        (Duration, "3 μs", 3e-6),  # the Greek letter, not the sign
        (Duration, "0.5 h", 1800.0),
        (Duration, "2 min", 120.0),
        (Duration, "0.1 ns", 1e-10),
        (Frequency, "20e6 Hz", 20e6),
        (Frequency, "3.5 GHz", 3.5e9),
        (Power, "30 dBm", 1.0),
        (Power, "0 dBW", 1.0),
        (Power, "200 mW", 0.2),
        (PowerDensity, "-174 dBm/Hz", 10**-20.4),
        (PowerDensity, "4 nW/Hz", 4e-9),
        (Decibel, "-3 dB", -3.0),
        (Decibel, "+8 dBi", 8.0),
        (Data, "20 kB", 160_000.0),
        (Data, "1 KiB", 8192.0),
        (Data, "480 bit", 480.0),
        (DataRate, "1 Mbit/s", 1e6),
        (DataRate, "2 GB/s", 16e9),
        (Distance, ".2 km", 200.0),
        (Speed, "3.6 km/h", 1.0),
        (Energy, "1 Wh", 3600.0),
        (Rate, "30 /min", 0.5),
        (Rate, "0.5/s", 0.5),
        (Rate, "5 requests/s", 5.0),
    ],
)
def test_text_is_read_as_the_nearest_float(quantity, text, value):
    assert read(quantity, text) == value


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        (Duration, 0.0185, "18.5 ms"),
        (Duration, 60.0, "60 s"),
        (Duration, 0.0, "0 s"),
        (Frequency, 10e6, "10 MHz"),
        (Power, 10**-0.7, "23 dBm"),
        (Power, 0.0, "0 W"),
        (PowerDensity, 10**-20.4, "-174 dBm/Hz"),
        (Data, 480.0, "480 bit"),
        (DataRate, 1e10, "10 Gbit/s"),
        (Rate, 0.5, "0.5 /s"),
    ],
)
def test_a_value_is_written_as_people_would(quantity, value, text):
    assert TypeAdapter(quantity).dump_python(value, mode="json") == text


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda q: q.name)
@settings(max_examples=100)
@given(value=FINITE)
def test_every_value_survives_the_round_trip(quantity, value):
    text = quantity.write(value)
    assert quantity.read(text) == value
    adapter = TypeAdapter(Annotated[float, quantity])
    assert re.fullmatch(adapter.json_schema()["pattern"], text)


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda q: q.name)
def test_every_unit_and_example_is_read_and_fits_the_schema(quantity):
    pattern = TypeAdapter(Annotated[float, quantity]).json_schema()["pattern"]
    for text in (*quantity.examples, *(f"1.5 {unit}" for unit in quantity.units)):
        assert math.isfinite(quantity.read(text))
        assert re.fullmatch(pattern, text)


@pytest.mark.parametrize(
    ("quantity", "given", "message"),
    [
        (Frequency, 10_000_000, "write a frequency with its unit, such as '10 MHz'"),
        (Frequency, "10", "write a frequency with its unit, such as '10 MHz'"),
        (Frequency, 1e7, "(units: Hz, kHz, MHz, GHz)"),
        (Frequency, True, "write a frequency with its unit"),
        (Frequency, None, "write a frequency with its unit"),
        (Frequency, "10 ms", "'ms' is for a duration; write a frequency"),
        (Frequency, "10 mhz", "unknown unit 'mhz' (did you mean 'MHz'?)"),
        (Frequency, "10 furlongs", "unknown unit 'furlongs'; write a frequency"),
        (Frequency, "ten MHz", "write a frequency as a number and a unit"),
        (Frequency, "1:30", "write a frequency as a number and a unit"),
        (Frequency, "nan Hz", "write a frequency as a number and a unit"),
        (Frequency, "inf Hz", "write a frequency as a number and a unit"),
        (Frequency, "1e999 Hz", "the number is too large"),
        (Power, "1e5 dBm", "the number is too large"),
        (Power, "1e400 dBm", "the number is too large"),
        (Frequency, "1e99999999999 Hz", "a number and a unit"),  # answered at once
        (Duration, "5 m", "'m' is for a distance; write a duration"),
        (Data, "5 Mbit/s", "'Mbit/s' is for a data rate; write an amount of data"),
        (Power, "23 dB", "'dB' is for a ratio in decibels; write a power, such as '23 dBm'"),
        (Decibel, 3, "write a ratio in decibels with its unit, such as '5 dB'"),
    ],
)
def test_a_refusal_says_what_to_write(quantity, given, message):
    with pytest.raises(ValidationError) as caught:
        read(quantity, given)
    assert message in caught.value.errors()[0]["msg"]


class Section(Config):
    width: Frequency = Field(gt=0, description="Width")
    power: Power = Field(0.2, gt=0)
    wait: Duration | None = Field(None, ge=0)
    steps: tuple[Duration, ...] = ()


def test_bounds_hold_for_the_number():
    for width in ("0 Hz", "-1 MHz"):
        with pytest.raises(ValidationError, match="greater than 0"):
            Section(width=width)
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Section(width="1 Hz", wait="-1 s")


def test_a_section_round_trips_through_json():
    section = Section(width="10 MHz", power="23 dBm", wait="5 ms", steps=("1 s", "2 s"))
    text = section.model_dump_json()
    assert '"width":"10 MHz","power":"23 dBm","wait":"5 ms","steps":["1 s","2 s"]' in text
    assert Section.model_validate_json(text) == section
    assert section.model_dump()["width"] == 10e6  # numbers stay numbers inside the program


def test_the_schema_shows_text_and_defaults_as_text():
    schema = Section.model_json_schema()
    width = schema["properties"]["width"]
    assert width["type"] == "string"
    assert width["examples"] == ["10 MHz", "3.5 GHz"]
    assert width["description"] == "Width"
    assert schema["properties"]["power"]["default"] == "0.2 W"
    assert schema["required"] == ["width"]


def test_nanoseconds_are_whole():
    assert units.to_ns(18.5e-3) == 18_500_000
