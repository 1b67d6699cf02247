"""RNN Lab: see how recurrent networks learn.

The packages, of which each imports only those above it (a test enforces it):

    errors, config, events   errors with codes, the settings of a run, the events of a run
    environment              settings from environment variables
    recipes                  the published experiments as data
    text                     corpora, vocabulary, n-gram ladder, quotes; no torch
    engine                   what the book teaches: cells, model, training, generation; torch, no I/O
    runs                     how a run is kept and executed: store, supervisor, worker, client
    view                     how it is shown: frames, charts, languages, the live panel
    cli                      the command line, ``python -m rnnlab``

Importing `rnnlab` imports neither torch nor streamlit nor pandas; import what you need from the module that holds it.
"""

__version__ = "0.1.0"
