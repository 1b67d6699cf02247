"""RNN Lab: see how recurrent networks learn.

The map of the house; imports go down only (a test enforces it):

    errors, config, events   what everything speaks: refusals, settings, what a run says
    recipes                  the published experiments as data
    text                     corpora, vocabulary, n-gram ladder, quotes; no torch
    engine                   what the book teaches: cells, model, training, generation; torch, no I/O
    runs                     how a run is kept and executed: store, supervisor, worker, client
    view                     how it is shown: frames, charts, languages, the live panel
    cli                      the command line, ``python -m rnnlab``

Importing `rnnlab` imports neither torch nor streamlit nor pandas; import what you need from the module that holds it.
"""

__version__ = "0.1.0"
