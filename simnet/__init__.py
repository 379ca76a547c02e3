"""Discrete-event simulation of hybrid language models over wireless networks."""

__version__ = "0.1.0"
