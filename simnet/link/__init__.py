"""The links between devices and the edge server, as processes."""
