"""The Diagnose page: six layers, both directions, clipping, overfitting."""
