"""Trained networks read with NumPy, through the equations of `rnnlab.cells`; no torch.

The engine trains and answers questions to checkpoints in processes of their own, which load torch. The networks that
ship with the app are read here, in the process that shows the pages. Both give the same answers (tested).
"""
