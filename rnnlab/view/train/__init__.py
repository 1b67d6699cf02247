"""The Train page: the setup of a run, its controls, and explanations."""
