"""Experiments: one run, replications, sweeps."""
