"""The reproduction of the published values: ``python -m rnnlab reproduce``."""
