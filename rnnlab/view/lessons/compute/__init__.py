"""The computations of the lessons in NumPy and plain Python, tested against the engine."""
