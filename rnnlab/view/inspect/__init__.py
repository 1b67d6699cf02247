"""The Inspect page: a trained network, character by character."""
