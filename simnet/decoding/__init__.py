"""The mathematics of hybrid decoding: acceptance, uncertainty, truncation, thresholds."""
