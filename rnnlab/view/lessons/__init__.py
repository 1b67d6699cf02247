"""The lessons without their pages: what each one computes, in NumPy and plain Python, tested against the engine."""
