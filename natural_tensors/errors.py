"""Failed look-ups, with messages that read as sentences."""

from __future__ import annotations


class PlainKeyError(KeyError):
    """A failed look-up; its text is the message itself, not the quoted form of KeyError."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UnknownTensorError(PlainKeyError):
    """No physical tensor goes by the name asked for."""


class UnknownPartError(PlainKeyError):
    """A tensor class has no part of the weight and copy asked for."""
