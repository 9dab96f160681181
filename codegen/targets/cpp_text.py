"""Pieces of C++ text: lines that are not too long, expressions, numbers."""

from __future__ import annotations

from collections.abc import Sequence

from natural_tensors.exact.floats import surd_to_float

from ..programs.kernel import Array, Signature
from ..programs.program import Linear, Product, Reciprocal, Root, Sign

WIDTH = 96


def wrapped(head: str, items: Sequence[str], tail: str, indent: int) -> list[str]:
    """Return a list in brackets over as many lines as it needs."""
    lines, current = [], head
    for number, item in enumerate(items):
        piece = item + ("," if number < len(items) - 1 else tail)
        if len(current) + 1 + len(piece) > WIDTH and current.strip() != head.strip():
            lines.append(current)
            current = " " * indent + piece
        else:
            current += ("" if current.endswith(("(", " " * indent)) else " ") + piece
    return [*lines, current]


def parameters(signature: Signature) -> list[str]:
    """Return the arrays of a function as it declares them."""
    return [pointer(array, "T") for array in signature.arrays]


def pointer(array: Array, kind: str) -> str:
    """Return the declaration of a pointer to the numbers of an array."""
    constant = "" if array.written else "const "
    return f"{constant}{kind}* __restrict {array.name}"


def expression(operation: object, names: Sequence[str]) -> str:
    """Return an operation on values with names."""
    match operation:
        case Linear(terms, offset) if not terms:
            return f"T({surd_to_float(offset)!r})"
        case Linear(_, offset):
            text = ""
            for coefficient, members in operation.groups():
                lead = members[0][0]
                inner = names[members[0][1]] + "".join(
                    (" + " if sign == lead else " - ") + names[ref] for sign, ref in members[1:]
                )
                if coefficient != 1:
                    inner = f"({inner})" if len(members) > 1 else inner
                    inner = f"T({surd_to_float(coefficient)!r}) * {inner}"
                elif lead < 0 and len(members) > 1:
                    inner = f"({inner})"
                if text:
                    text += (" - " if lead < 0 else " + ") + inner
                else:
                    text = ("-" if lead < 0 else "") + inner
            if offset:
                text += f" + T({surd_to_float(offset)!r})"
            return text
        case Product(left, right):
            return f"{names[left]} * {names[right]}"
        case Reciprocal(value):
            return f"T(1) / {names[value]}"
        case Sign(value):
            return f"sign({names[value]})"
        case Root(value):
            return f"root({names[value]})"
    raise TypeError(f"no C++ for {operation!r}")
