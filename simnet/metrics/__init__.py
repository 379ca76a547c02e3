"""From records to numbers with intervals, and the saturation verdict."""
