"""``python -m rnnlab``: the command line."""

from rnnlab.cli.main import main

if __name__ == "__main__":
    main()
