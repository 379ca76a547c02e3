"""When requests arrive and what they ask; no clock."""
