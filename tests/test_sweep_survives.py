"""What a killed worker, Ctrl-C and kill -9 leave behind goes on to the very same results."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from simnet.experiment.lock import locked

POINTS = 200
SCENARIO = f"""\
version: 1
name: survivor
seed: 7
stop: {{duration: 4 s, warmup: 1 s}}
devices:
  probes:
    count: 5
    slm: {{kind: constant, time_per_token: 0 s}}
    traffic: {{kind: poisson, rate: 10 /s}}
    protocol: {{kind: probe, payload: {{kind: exponential, mean: 10 kbit}}}}
uplink:
  bandwidth: 1 MHz
  rate: {{kind: fixed, value: 1 Mbit/s}}
  mac: {{kind: fifo}}
downlink: {{kind: fixed, latency: 0 s}}
server:
  step_time: {{kind: constant, time: 1 ms}}
sweep: {{kind: random, samples: {POINTS}, over: {{uplink.rate.value:
         {{kind: log-uniform, low: 1 Mbit/s, high: 20 Mbit/s}}}}}}
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="finds worker processes in /proc"
)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("survivor") / "survivor.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def undisturbed(scenario):
    directory = scenario.parent / "undisturbed"
    finished = subprocess.run(command(scenario, directory, "--jobs", 1), capture_output=True)
    assert finished.returncode == 0, finished.stderr
    return contents(directory)


def command(scenario, directory, *options):
    verb = [sys.executable, "-m", "simnet", "sweep", scenario, "--out", directory, *options]
    return [str(word) for word in verb]


def contents(directory):
    """Hash of every file, by path."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def workers_of(pid):
    """Worker processes below ``pid``: those that multiprocessing spawned."""
    parents, spawned = {}, []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = re.search(r"\) (\w) (\d+)", (entry / "stat").read_text()).groups()
            line = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        parents[int(entry.name)] = int(parent)
        if b"spawn_main" in line and state != "Z":
            spawned.append(int(entry.name))

    def below(child):
        return child == pid or (child in parents and below(parents[child]))

    return [child for child in spawned if below(child)]


def complete(directory):
    return len([path for path in (directory / "runs").glob("p*") if path.suffix != ".part"])


def wait_until(true, what, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, f"ended before {what}: {process.communicate()}"
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@contextmanager
def begun(scenario, directory, *options):
    """A sweep under way, alone in its process group as in a terminal."""
    process = subprocess.Popen(
        command(scenario, directory, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def interrupt_and_resume(process, scenario, directory, *options):
    """Ctrl-C in the terminal of a sweep; the same command again."""
    already = complete(directory)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    count, total = map(int, re.search(r"interrupted: (\d+) of (\d+)", said).groups())
    assert already <= count < total == POINTS
    finished = subprocess.run(
        command(scenario, directory, *options), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    told = int(re.search(r"(\d+) of 200 runs are complete", finished.stderr).group(1))
    assert told >= count  # what was complete did not run again


def test_local_processes(scenario, undisturbed):
    directory = scenario.parent / "local"
    with begun(scenario, directory, "--jobs", 2) as sweep:
        wait_until(lambda: complete(directory) >= 20, "20 runs", sweep)
        workers = workers_of(sweep.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: not {*workers} & {*workers_of(sweep.pid)}, "a new pool", sweep)
        after = complete(directory)
        wait_until(lambda: complete(directory) >= after + 20, "20 more", sweep)
        workers = workers_of(sweep.pid)
        interrupt_and_resume(sweep, scenario, directory, "--jobs", 2)
        assert not {*workers} & {*workers_of(os.getpid())}
    assert contents(directory) == undisturbed


def test_kill_9_leaves_no_process_and_no_half_file(scenario, undisturbed):
    directory = scenario.parent / "killed"
    with begun(scenario, directory, "--jobs", 2) as sweep:
        wait_until(lambda: complete(directory) >= 50, "50 runs", sweep)
        workers = workers_of(sweep.pid)
        assert workers
        sweep.kill()
        sweep.wait()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "workers outlive their parent"
            time.sleep(0.02)
    (directory / "runs" / "p0199-r000.0123.part").mkdir()  # as a worker killed in mid-write leaves
    finished = subprocess.run(command(scenario, directory, "--jobs", 2), capture_output=True)
    assert finished.returncode == 0, finished.stderr
    assert contents(directory) == undisturbed
    assert not list((directory / "runs").glob("*.part"))


def test_two_sweeps_do_not_share_a_directory(scenario, undisturbed):
    directory = scenario.parent / "undisturbed"
    with locked(directory):
        second = subprocess.run(command(scenario, directory), capture_output=True, text=True)
    assert second.returncode == 2
    assert "another simnet is writing to it" in second.stderr
    assert contents(directory) == undisturbed


@contextmanager
def cluster(directory, workers=2):
    """A Dask scheduler and a nanny with worker processes; its process and scheduler file."""
    file = directory / "scheduler.json"
    options = {"cwd": directory, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(file)], **options,
    )  # fmt: skip
    nanny = subprocess.Popen(
        [*dask, "worker", "--scheduler-file", str(file), "--nworkers", str(workers),
         "--nthreads", "1", "--no-dashboard", "--local-directory", str(directory)], **options,
    )  # fmt: skip
    try:
        wait_until(file.exists, "the scheduler", scheduler)
        wait_until(lambda: len(workers_of(nanny.pid)) >= workers, "workers", nanny)
        yield nanny, file
    finally:
        for process in (nanny, scheduler):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def test_a_dask_scheduler_that_is_not_there(tmp_path):
    pytest.importorskip("distributed")
    from simnet.experiment.dask_workers import DaskWorkers
    from simnet.faults import InputError

    with pytest.raises(InputError, match=r"--dask nowhere\.json: neither an address"):
        DaskWorkers("nowhere.json", tmp_path)


def test_dask_workers(scenario, undisturbed, tmp_path):
    pytest.importorskip("distributed", reason="pip install 'simnet[cluster]'")
    from distributed import Client

    directory = scenario.parent / "dask"
    with cluster(tmp_path) as (nanny, file):
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        with begun(scenario, directory, "--dask", file) as sweep:
            wait_until(lambda: complete(directory) >= 20, "20 runs", sweep)
            before = workers_of(nanny.pid)
            os.kill(before[0], signal.SIGKILL)
            after = complete(directory)
            wait_until(lambda: complete(directory) >= after + 20, "20 more", sweep)
            interrupt_and_resume(sweep, scenario, directory, "--dask", file)
        assert contents(directory) == undisturbed


def test_workers_of_other_versions_are_refused(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="pip install 'simnet[cluster]'")
    from simnet.experiment import dask_workers
    from simnet.faults import InputError

    with cluster(tmp_path, workers=1) as (_, file):
        from distributed import Client

        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        genuine = dask_workers._versions

        calls = []

        def first_is_older(information):
            calls.append(information)
            return genuine(information) | ({"numpy": "1.0"} if len(calls) == 1 else {})

        monkeypatch.setattr(dask_workers, "_versions", first_is_older)
        with pytest.raises(InputError, match=r"other versions \(numpy: here 1\.0, there \d"):
            dask_workers.DaskWorkers(str(file), tmp_path)
        monkeypatch.undo()
        with pytest.raises(InputError, match="does not see /nowhere"):
            dask_workers.DaskWorkers(str(file), Path("/nowhere"))


def test_a_run_that_always_kills_its_worker_is_given_up(scenario, tmp_path):
    """Three attempts, then a message; what was complete stays."""
    code = f"""
import os
import simnet.experiment.sweep as module
from pathlib import Path
from simnet.experiment.points import points_of
from simnet.experiment.replications import Replications
from simnet.experiment.store import Store, provenance
from simnet.experiment.workers import LocalWorkers, WorkersDiedError
from simnet.scenario.read import read_document

def execute(store, point, replication, base, records):
    if point.number == 3:
        with open({str(tmp_path / "tries")!r}, "a") as file:
            file.write("x")
        os.kill(os.getpid(), 9)
    return genuine(store, point, replication, base, records)

genuine, module.execute = module.execute, execute
if __name__ == "__main__":
    points = points_of(read_document({str(scenario)!r}))[:10]
    origin = provenance(points[0].scenario, points, Path())
    store = Store.open(Path({str(tmp_path / "out")!r}), points[0].scenario, origin)
    try:
        module.sweep(store, points, Path(), LocalWorkers(1), Replications.exactly(1))
    except WorkersDiedError as error:
        print(error)
"""
    script = tmp_path / "poisoned.py"
    script.write_text(code)
    finished = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert "lost its worker 3 times" in finished.stdout, finished.stderr
    assert (tmp_path / "tries").read_text() == "xxx"
    assert complete(tmp_path / "out") >= 3
