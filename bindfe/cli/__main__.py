"""``python -m bindfe.cli`` is ``bindfe``."""

from bindfe.cli import main

main()
