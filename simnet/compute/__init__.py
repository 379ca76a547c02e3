"""What computing costs: step times of the LLM, token times of devices; no clock."""
