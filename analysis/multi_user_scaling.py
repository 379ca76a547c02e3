"""The README's figure: what limits each method as devices share one uplink and one GPU.

Four panels against the number of users, one line for each protocol with 95 % intervals as bands:
aggregate token throughput, p95 time per output token, uplink and server utilisation. It shows that
HLM fills the uplink with a handful of users, that U-HLM moves that point by its skip rate, and that
CU-HLM leaves the uplink nearly idle, so that the device and then the server limit it.

    simnet sweep scenarios/multi_user_scaling.yaml
    python analysis/multi_user_scaling.py results/multi_user_scaling docs/multi_user_scaling.svg
"""

import sys
from pathlib import Path

from simnet import plots


def main(results: str = "results/multi_user_scaling", file: str = "multi_user_scaling.svg") -> None:
    """Draw the figure of the sweep in ``results`` into ``file`` (.svg, .pdf or .png)."""
    table = plots.Results.read(Path(results))
    plots.save(plots.multi_user_scaling(table), Path(file))
    print(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
