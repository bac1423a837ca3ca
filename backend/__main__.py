"""`python -m backend` is `label-studio-atlas`."""

from backend.cli import main

main()
