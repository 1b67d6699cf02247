"""The command line, ``python -m rnnlab`` or ``rnnlab``: train and look at runs without a browser.

Runs are recorded in the same store as those of the app and can be watched there. Standard output holds results only;
messages about them (progress, the run's id, errors) go to standard error. Exit codes: 0 done, 1 failed, 2 a wrong name
or value (the message lists what is allowed), 130 ended by Ctrl-C. Heavy modules are imported inside the commands.
"""
