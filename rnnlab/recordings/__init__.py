"""Recorded runs on the embedded texts; ``python -m rnnlab.recordings`` makes them anew."""
