"""Radio channel: path loss, fading, rate; numbers in, numbers out; no clock."""
