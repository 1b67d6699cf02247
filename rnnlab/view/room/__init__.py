"""The Room page: a teacher's preset, the runs of a class on one wall, questions and guesses."""
