"""Token traces: the recorded behaviour of a pair of models."""
