"""``python -m edgehar`` is the command `har`."""

from edgehar.cli import main

if __name__ == "__main__":
    main()
