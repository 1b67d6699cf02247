"""What the book teaches, as code to read: minibatches, cells, the language model, training, generation.

Read in this order: `minibatch` (how a text becomes minibatches), `cells` (the equations of `rnnlab.cells` in torch),
`sequence` (the same equations, fast), `model` (depth, direction, scratch or library), `training` (the one loop),
`generation` (what the network writes). `control` is what acts on a run while it trains.

Beside them: `output` (the output layer and its loss in one), `products` (who multiplies), `reader` (one character at a
time, for generation), `device` (processor or accelerator), `cloze` (filling gaps). What looks at a trained network:
`diagnosis` (what is wrong with it), `microscope` (what goes on in it), `parity` (scratch against library).

The engine reads no files and prints nothing; it knows nothing of recipes, stores or pages.
"""
