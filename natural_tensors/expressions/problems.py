"""What is raised for an expression that cannot be read, with a mark under the place."""

from __future__ import annotations

from ..errors import InputError


class ExpressionError(InputError, ValueError):
    """An index expression that cannot be read, or that does not fit its tensors."""


def pointed(reason: str, text: str, start: int, length: int, remedy: str) -> ExpressionError:
    """Return an error whose message marks ``length`` characters of a text, from ``start``."""
    shown = text.replace("\n", " ").replace("\t", " ")
    marks = " " * start + "^" * max(length, 1)
    return ExpressionError(f"{reason}\n    {shown}\n    {marks}\n{remedy}")
