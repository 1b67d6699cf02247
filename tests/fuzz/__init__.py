"""Hostile inputs through every door of the app: whatever comes in, nothing raises and nothing refused has an effect."""
