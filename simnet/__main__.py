"""``python -m simnet``: the command line."""

from simnet.cli import main

main(prog_name="simnet")
