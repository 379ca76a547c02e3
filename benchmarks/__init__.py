"""Timings, and the plain script they are compared with."""
