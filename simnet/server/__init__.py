"""The edge server as a process."""
