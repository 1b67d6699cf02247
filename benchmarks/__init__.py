"""What is measured, each as a ratio within one run; `python -m benchmarks.NAME` prints a table."""
