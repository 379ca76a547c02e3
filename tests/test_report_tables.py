"""Terminal tables show what was measured, at any width, and what is not as it seems."""

import io
import math

import pytest
from rich.console import Console

from simnet.metrics import Slo, Verdict, judge, measure
from simnet.report.quantity import quantity, short
from simnet.report.results import Results, label
from simnet.report.tables import RunTable, sweep_table

from .test_metrics_by_hand import RUN
from .tiny_records import group, records


def text_of(renderable, width=106, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width, color_system=None).print(renderable)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.fixture(scope="module")
def run():
    run = records(**RUN)
    return run, measure(run, Slo(ttft_s=0.05))


def run_table(run, *, verdict=None, groups=None, replications=3):
    seen, metrics = run
    verdicts = [verdict or judge(seen, metrics)] * replications
    scaled = [{n: v * (1 + 0.1 * i) for n, v in metrics.items()} for i in range(replications)]
    return RunTable("quickstart", scaled, verdicts, groups or seen.groups)


@pytest.mark.parametrize(
    ("value", "half_width", "unit", "text"),
    [
        (0.0234567, 0.00032, "s", "23.46 ± 0.32 ms"),
        (1234.5, 67.0, "s", "1234 ± 67 s"),
        (0.0000012, 0.0000001, "s", "1.20 ± 0.10 µs"),
        (3.2e6, math.nan, "bit/s", "3.200 Mbit/s"),
        (0.5, 0.0, "", "0.5000 ± 0"),
        (0.005, 1e-18, "s", "5.000 ± 0 ms"),
        (0.0, 0.0, "s", "0"),
        (math.nan, math.nan, "s", "n/a"),
        (250.0, 12.0, "token/s", "250 ± 12 token/s"),
        (999.99, 1.0, "bit", "1000.0 ± 1.0 bit"),
        (7.71e-6, 1.2e-7, "", "7.71e-06 ± 1.2e-07"),
    ],
)
def test_quantities(value, half_width, unit, text):
    assert quantity(value, unit, half_width) == text


def test_short_quantities():
    assert short(0.0123456, "s") == "12.3 ms"
    assert short(-0.002, "s") == "-2.00 ms"
    assert short(0.0) == "0"


def test_values_with_their_intervals(run):
    text = text_of(run_table(run))
    # ttft 45.5 ms x (1, 1.1, 1.2): mean 50.05, s 4.55, half-width 4.3027 x 4.55 / sqrt 3 = 11.3
    assert "50 ± 11 ms" in text
    # tokens/s 6 x 1.1, half-width 0.6 x 4.3027 / sqrt 3
    assert "6.6 ± 1.5 token/s" in text
    assert "3 replications, mean ± 95 % interval" in text
    assert "max 1.10" in text  # of the uplink's queue


def test_spans_of_a_round_as_shares(run):
    line = next(x for x in text_of(run_table(run)).splitlines() if " device_time_s" in x)
    assert "42%" in line  # 110 of 260 ms
    assert line.count("█") == 4
    ascii_line = next(
        x for x in text_of(run_table(run), encoding="ascii").splitlines() if " device_time_s" in x
    )
    assert ascii_line.count("#") == 4


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_fits_the_terminal(run, width):
    assert max(map(len, text_of(run_table(run), width).splitlines())) <= width


def test_an_uneven_interval_is_written_by_its_ends():
    # 300 of 300: low = 300 / (300 + 1.96^2) = 0.9874
    seen, all_met = records(**RUN), {"slo_attainment": 1.0, "slo_requests": 100.0}
    found = RunTable("x", [measure(seen) | all_met] * 3, [judge(seen, measure(seen))], seen.groups)
    assert "1 [0.9874, 1]" in text_of(found)


def test_a_synthetic_trace_is_said_to_be_one(run):
    assert "SYNTHETIC" not in text_of(run_table(run))
    groups = [group(trace_kind="synthetic")]
    assert "SYNTHETIC" in text_of(run_table(run, groups=groups))


def test_means_without_a_steady_state_are_flagged(run):
    calm = text_of(run_table(run))
    assert "†" not in calm
    text = text_of(run_table(run, verdict=Verdict("overloaded", "uplink", 1.3)))
    assert "overloaded by uplink (load 1.30)" in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.split()}
    assert "†" in lines["ttft_s"]
    assert "†" in lines["uplink_queue_length"]
    assert "†" not in lines["output_tokens_per_s"]
    assert "no steady state" in text


def test_groups_side_by_side():
    seen = records(groups=[group("phones"), group("laptops")])
    text = text_of(run_table((seen, measure(seen))), width=120)
    assert "by group" in text
    header = next(line for line in text.splitlines() if "by group" in line)
    assert "phones" in header
    assert "laptops" in header


def test_one_replication_has_no_interval(run):
    text = text_of(run_table(run, replications=1))
    assert "no interval" in text
    assert "45.50 ms" in text


def test_sweep_at_a_glance(run):
    _, metrics = run
    rows = [
        {
            "point": i,
            "replication": 0,
            "seed": 1,
            "devices.phones.count": count,
            "uplink.rate": f'{{"kind": "fixed", "value": "{rate} Mbit/s"}}',
            "verdict": state,
            "binding_resource": "uplink",
            "binding_load": 1.1,
            "trace_kind": "synthetic+real",
            **metrics,
        }
        for i, (count, rate, state) in enumerate([(1, 1, "stable"), (20, 4, "overloaded")])
    ]
    text = text_of(sweep_table(Results(rows)), 120)
    assert "count" in text
    assert "fixed 1 Mbit/s" in text  # of one kind, told apart by what differs
    stable, overloaded = (line for line in text.splitlines() if "Mbit/s" in line)
    assert "56.7 ms" in stable
    assert "stable: uplink" in stable
    assert "56.7 ms†" in overloaded
    assert "SYNTHETIC" in text


@pytest.mark.parametrize(("cut", "said"), [(5.0, False), (20.0, True)])
def test_latencies_without_many_requests_are_said_to_be_low(run, cut, said):
    seen, metrics = run
    metrics = metrics | {"requests_arrived": 100.0, "requests_censored": cut}
    note = "20 % of requests"
    assert (note in text_of(run_table((seen, metrics)))) == said
    row = {"point": 0, "replication": 0, "seed": 1, "verdict": "stable", **metrics}
    assert (f"up to {note}" in text_of(sweep_table(Results([row])))) == said


def test_a_sweep_of_many_parameters_keeps_its_verdicts_at_80_columns(run):
    _, metrics = run
    section = '{{"kind": "dssd", "bonus": {}, "length": {{"kind": "fixed", "tokens": {}}}}}'
    rows = [
        {
            "point": i,
            "replication": 0,
            "seed": 1,
            "devices.phones.draft_ahead": i > 1,
            "devices.phones.protocol": section.format(["false", "true"][i % 2], i),
            "downlink.latency": f"{100 * i} ms",
            "verdict": "unsaturated",
            "binding_resource": "backhaul",
            "binding_load": 0.5,
            "trace_kind": "real",
            **metrics,
        }
        for i in range(4)
    ]
    lines = text_of(sweep_table(Results(rows)), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("unsaturated" in line for line in lines) == 4
    assert sum("backhaul" in line for line in lines) == 4
    assert sum(line.startswith(" false") for line in lines) == 2  # as YAML writes it


def test_labels():
    assert label(True) == "true"
    assert label('{"kind": "u-hlm", "threshold": {"kind": "risk-prone"}}') == "u-hlm"
    assert label({"kind": "hlm"}) == "hlm"
    assert label(20.0) == "20"
    assert label("{broken") == "{broken"
