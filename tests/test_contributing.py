"""What CONTRIBUTING.md says about adding a model is true."""

import re
import subprocess
import sys
from pathlib import Path

from simnet.scenario.families import discover_all

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SCENARIO = ROOT / "scenarios" / "uncertainty_scheduling.yaml"


def test_the_scheduler_of_the_page_is_one_file(tmp_path):
    """Beside the files of the package, it is found, described, checked and simulated."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "prompts_first.py").write_text(code)

    def simnet(*arguments):
        found = f"import simnet.link as link; link.__path__.append({str(tmp_path)!r}); "
        call = f"from simnet.cli import main; main({list(map(str, arguments))!r})"
        command = [sys.executable, "-c", found + call]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "Slotted OFDMA, prompts before drafts." in simnet("list", "mac", "prompts-first")
    shorter = ("stop.duration=3 s", "stop.warmup=0 s", "replications=1", "devices.phones.count=4")
    settings = [word for text in shorter for word in ("--set", text)]
    shown = simnet("run", SCENARIO, *settings, "--set", "uplink.mac={kind: prompts-first}")
    assert "uplink: prompts-first over 7 MHz" in shown


def test_the_page_names_a_home_for_every_family():
    """But for the ways to form batches and downlinks: two each, and no more are foreseen."""
    families = (ROOT / "simnet" / "scenario" / "families.py").read_text(encoding="utf-8")
    homes = set(re.findall(r"\(([A-Z_]+), simnet\.\w+\)", families))
    assert len(homes) == len(discover_all())
    assert homes - set(re.findall(r"`([A-Z_]+)`", TEXT)) == {"BATCHINGS", "DOWNLINKS"}
