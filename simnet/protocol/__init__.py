"""Protocols: rules that cut a token trace into rounds; no clock."""
