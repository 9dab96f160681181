"""``python -m natural_tensors``: the command line."""

from .cli import main

main()
