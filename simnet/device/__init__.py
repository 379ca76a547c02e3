"""Devices as processes: they draft, send, and wait for the verdict."""
