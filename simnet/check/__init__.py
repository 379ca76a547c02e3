"""The simulator against closed forms and published numbers."""
