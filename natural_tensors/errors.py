"""What is raised for bad input: one base class, and the look-ups that fail by name.

Here alone what the readers of other libraries raise becomes an error of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_REASON = 300
"""Characters of a reason in the words of another library."""


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


@contextmanager
def translated(
    error: Callable[[str], InputError], *, keep: type[InputError] = InputError
) -> Iterator[None]:
    """Turn whatever is raised inside into one error of ours.

    Readers of files raise what their authors thought of, and for a damaged file what nobody did:
    KeyError, SyntaxError, MemoryError, errors of databases.

    Args:
        error: makes the error from the reason, which is one line.
        keep: the errors of ours that pass unchanged, since they name the file already.
    """
    try:
        yield
    except keep:
        raise
    except Exception as problem:  # a foreign reader may raise anything
        raise error(reason_of(problem)) from None


def reason_of(problem: Exception) -> str:
    """Return in one line why something could not be read, in plain words where they are known.

    >>> reason_of(EOFError()), reason_of(KeyError("lattice"))
    ('it ends early', "it has no 'lattice'")
    """
    text = " ".join(str(problem).split())
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    if isinstance(problem, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(problem, EOFError):
        return "it ends early"
    if isinstance(problem, UnicodeError):
        return "it is no UTF-8 text"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    if isinstance(problem, KeyError):
        return f"it has no {text[:LONGEST_REASON]}" if text else "an entry is missing"
    if "integer string conversion" in text:
        return "it holds an integer of thousands of digits"
    if "null byte" in text or "null character" in text:
        return "a name in it holds the character NUL"
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:LONGEST_REASON])
    return shown or type(problem).__name__
