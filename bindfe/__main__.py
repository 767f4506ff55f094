"""``python -m bindfe``: the same as ``bindfe``, where only an interpreter is at hand."""

from bindfe.cli import main

if __name__ == "__main__":
    main()
