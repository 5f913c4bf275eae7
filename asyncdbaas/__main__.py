"""`python -m asyncdbaas` is the command `asyncdbaas`."""

from asyncdbaas.cli import main

if __name__ == "__main__":
    main()
