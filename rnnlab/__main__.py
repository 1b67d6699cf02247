"""``python -m rnnlab``: the command line."""

from rnnlab.cli import main

if __name__ == "__main__":
    main()
