"""RNN Lab: see how recurrent networks learn.

The subpackages, from bottom to top; imports go down only (a test enforces it):

    errors, config, events   shared by everything: errors, the configuration of a run, its events
    setting, environment     metadata of a setting; settings from environment variables
    cells                    the equation and the description of each cell; no torch
    stuck                    whether a network is stuck at the character frequencies
    recipes                  the published experiments as data
    text                     corpora, vocabulary, n-gram ladder, quotes; no torch
    engine                   what the book teaches: cells, model, training, generation; torch, no I/O
    runs                     storage and execution of runs: store, supervisor, worker, client
    cluster                  the machines of a cluster on which runs train; Dask, if it is installed
    view                     the pages: language, data, page, watch, and a folder for each page
    cli                      the command line, ``python -m rnnlab``

Importing `rnnlab` imports neither torch nor streamlit nor pandas; import names from the module that defines them.
"""

__version__ = "0.1.0"
