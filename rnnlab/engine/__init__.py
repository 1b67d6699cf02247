"""The models and algorithms of the book: minibatches, cells, the language model, training, generation.

Suggested reading order: `minibatch` (how a text becomes minibatches), `cells` (the equations of `rnnlab.cells` in
torch), `sequence` (the same equations, fast), `model` (depth, direction, scratch or library), `training` (the training
loop), `periods` (after which epochs it generates texts), `generation` (text generation). `control` holds the requests
that act on a run while it trains.

Supporting modules: `walks` (the loops over time of `sequence`), `output` (output layer and loss in one function),
`products` (matrix products), `parts` (work divided among threads), `threads` (how many), `reader` (single time steps
for generation), `device` (processor or accelerator), `cloze` (filling gaps). Analysis of a trained network: `diagnosis`
(why a network fails), `microscope` (states, gates and predictions), `parity` (scratch against library).

The engine reads no files, prints nothing, and does not depend on recipes, stores or pages.
"""
