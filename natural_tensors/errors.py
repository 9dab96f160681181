"""What is raised for bad input: one base class, and the look-ups that fail by name."""

from __future__ import annotations


class InputError(Exception):
    """Something given is wrong; the message says what, what is allowed and what to do about it.

    Command lines print the message of every subclass and leave with exit code 2.
    """


class LookupFailedError(InputError, KeyError):
    """A failed look-up; its text is the message itself, not the quoted form of KeyError."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UnknownTensorError(LookupFailedError):
    """No physical tensor goes by the name asked for."""


class UnknownPartError(LookupFailedError):
    """A tensor class has no part of the weight and copy asked for."""


class SymmetryError(InputError, ValueError):
    """An index symmetry that cannot be read, or that leaves nothing but zero."""
