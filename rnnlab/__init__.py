"""RNN Lab: see how recurrent networks learn.

The subpackages, from bottom to top; imports go down only (a test enforces it):

    errors, config, events   shared by everything: errors, settings, events
    environment              settings from environment variables
    recipes                  the published experiments as data
    text                     corpora, vocabulary, n-gram ladder, quotes; no torch
    engine                   what the book teaches: cells, model, training, generation; torch, no I/O
    runs                     storage and execution of runs: store, supervisor, worker, client
    view                     the pages: languages, data, charts, panels
    cli                      the command line, ``python -m rnnlab``

Importing `rnnlab` imports neither torch nor streamlit nor pandas; import names from the module that defines them.
"""

__version__ = "0.1.0"
