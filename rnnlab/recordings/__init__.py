"""Recorded runs on the embedded texts; ``python -m rnnlab.recordings`` records them again."""
