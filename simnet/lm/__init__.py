"""Live language models: hybrid inference and the trace recorder. Needs the extra lm."""
