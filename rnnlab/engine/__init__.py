"""What the book teaches, as code to read: minibatches, cells, the language model, training, generation.

Read in this order: `minibatch` (how a text becomes minibatches), `cells` (the equations), `sequence` (the same
equations, fast), `model` (depth, direction, scratch or library), `training` (the one loop), `generation` (what the
network writes). `control` is what acts on a run while it trains.

The engine reads no files and prints nothing; it knows nothing of recipes, stores or pages.
"""
