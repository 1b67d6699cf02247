"""The command line, ``python -m rnnlab`` or ``rnnlab``: train and view runs without a browser.

The command line and the app share one store, so the app shows these runs too. Only results go to standard output;
progress, the run's id and errors go to standard error. Exit codes: 0 done, 1 failed, 2 a wrong name
or value (the message lists what is allowed), 130 ended by Ctrl-C. Heavy modules are imported inside the commands.
"""
