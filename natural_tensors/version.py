"""The versions of the distribution and of its conventions."""

__version__ = "0.1.0"

CONVENTIONS = 1
"""Version of docs/conventions.md that the code follows."""
