"""Who goes first: rules that neither keep time nor touch the network."""
