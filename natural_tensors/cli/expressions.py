"""How expressions look in print, and as text that reads back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import typer

from ..exact.symbols import Expression, Expressions, canonical, same_draws
from ..files.exact_entries import EntryError, read_entry
from ..formatting import aligned

LONGEST_FACTORED = 400
"""Operations of an expression up to which it is factored before it is printed."""
LONGEST_PRINTED = 2000
"""Characters of an expression that is printed; JSON has it whole."""


def entries_of(value: Expression) -> Expressions:
    """Return a SymPy array, matrix or expression as a NumPy array of expressions."""
    nested = value.tolist() if hasattr(value, "tolist") else value
    return np.array(nested, dtype=object)


def listed(values: Expressions) -> list[Expression]:
    """Return the expressions of an array in order."""
    return list(values.reshape(-1).tolist())


def to_strings(value: Expression) -> Any:
    """Return expressions as text in nested lists, as JSON holds them."""
    array = entries_of(value)
    return np.array([str(entry) for entry in array.flat], dtype=object).reshape(
        array.shape
    ).tolist()  # fmt: skip


def symbols_of(values: Iterable[Expression]) -> list[str]:
    """Return the names of the symbols in expressions, in order."""
    return sorted({str(symbol) for value in values for symbol in value.free_symbols})


def tidy(value: Expression) -> Expression:
    """Return an expression factored over the rationals, unless it is very long."""
    import sympy

    if value.is_Atom or value.count_ops() > LONGEST_FACTORED:
        return value
    with same_draws():
        return sympy.factor(value)


def shown(value: Expression) -> str:
    """Write an expression for print; one that is too long, by its size."""
    text = str(tidy(value))
    if len(text) <= LONGEST_PRINTED:
        return text
    return f"an expression of {len(text)} characters, which --json has"


def matrix_lines(matrix: Expressions) -> list[str]:
    """Write a matrix, or a row, as aligned text, a dot for zero."""
    rows = np.atleast_2d(matrix)
    return aligned([["·" if entry == 0 else shown(entry) for entry in row] for row in rows])


def entry_lines(letter: str, matrix: Expressions) -> list[str]:
    """Write the distinct entries of a symmetric 6x6 matrix that are not 0, equal ones together."""
    named = ((f"{letter}{i + 1}{j + 1}", matrix[i, j]) for i in range(6) for j in range(i, 6))
    return _equal_together(named)


def component_lines(part: Expressions) -> list[str]:
    """Write the distinct components of a symmetric tensor that are not 0, equal ones together."""
    places = combinations_with_replacement(range(max(part.shape, default=1)), part.ndim)
    return _equal_together(("".join("xyz"[i] for i in place), part[place]) for place in places)


def _equal_together(named: Iterable[tuple[str, Expression]]) -> list[str]:
    grouped: dict[Expression, list[str]] = {}
    for name, value in named:
        if value == 0:
            continue
        if value not in grouped and -value in grouped:
            grouped[-value].append(f"-{name}")
        else:
            grouped.setdefault(value, []).append(name)
    return [f"{' = '.join(names)} = {shown(value)}" for value, names in grouped.items()]


def common_factor(part: Expressions) -> Expression | None:
    """Return what all components are multiples of, where it is one expression with symbols."""
    present = [entry for entry in listed(part) if entry != 0]
    if not present or not present[0].free_symbols:
        return None
    if any(not canonical(entry / present[0]).is_number for entry in dict.fromkeys(present)):
        return None
    return tidy(present[0]).as_coeff_Mul()[1]


def asked_expression(option: str, text: str) -> Expression:
    """Return the exact expression that an option states."""
    try:
        return read_entry(text)
    except EntryError as error:
        raise typer.BadParameter(f"{option}: {error}") from None


def asked_direction(option: str, text: str) -> tuple[Expression, ...]:
    """Return the direction that an option states: three exact expressions, not all 0."""
    words = text.split(",") if "," in text else text.split()
    values = tuple(asked_expression(option, word) for word in words)
    if len(values) != 3 or all(value == 0 for value in values):
        raise typer.BadParameter(
            f"{option} {text!r} is no direction; give three numbers or expressions, not all 0, "
            f"such as {option} '1 1 0' or {option} 'cos(t), sin(t), 0'"
        )
    return values
