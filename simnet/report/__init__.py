"""Seeing results: terminal tables and figures. Reads results only."""
