"""Watching a run: the stage with curve and texts, for live and recorded runs."""
