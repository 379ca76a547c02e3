"""Uplink schedulers and batch policies: who goes next; no clock."""
