"""Conditions on the columns of a table, such as ``bulk > 300 and stable``.

The text is read by Python's own grammar, of which a few forms are known; none of it is ever run.

>>> str(condition("bulk > 300 and not doubtful", {"bulk", "doubtful"}))
'((bulk > 300) and invert(doubtful))'
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow.compute as pc

from natural_tensors.errors import InputError
from natural_tensors.formatting import did_you_mean

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

ALLOWED = (
    "allowed: columns, numbers, 'text', true, false, > >= < <= == != in, + - * /, and, or, not, "
    "parentheses, `known is None`"
)


class FilterError(InputError, ValueError):
    """A condition that cannot be read."""


def condition(text: str, columns: Iterable[str]) -> pc.Expression:
    """Return a condition as an expression of pyarrow.

    A row for which it is unknown, because a number does not exist, does not fulfil it.

    Args:
        text: such as ``"bulk > 300 and stable"``, ``"0.2 < poisson < 0.3"``, ``"formula in ('C',
            'BN')"``, ``"known is None"``.
        columns: that there are.

    Raises:
        FilterError: when it is none.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", "") or "it is too long"
        raise FilterError(
            f"the condition {text[:80]!r} cannot be read: {reason}\n{ALLOWED}"
        ) from None
    return _Reader(set(columns)).read(tree.body)


class _Reader:
    def __init__(self, columns: set[str]) -> None:
        self.columns = columns

    def read(self, node: ast.expr) -> pc.Expression:
        match node:
            case ast.BoolOp(op=joint, values=[first, *others]):
                found = self.read(first)
                for other in others:
                    found = found & self.read(other) if isinstance(joint, ast.And) else (
                        found | self.read(other)
                    )  # fmt: skip
                return found
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return ~self.read(inner)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return pc.scalar(0) - self.read(inner)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return ARITHMETIC[type(sign)](self.read(left), self.read(right))
            case ast.Compare(left=left, ops=signs, comparators=rights):
                return self._compared([left, *rights], signs)
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return pc.scalar(value)
            case ast.Name(id=name):
                return self._column(name)
        raise FilterError(f"{ast.unparse(node)[:80]!r} is no part of a condition\n{ALLOWED}")

    def _compared(self, values: list[ast.expr], signs: list[ast.cmpop]) -> pc.Expression:
        """Return the joint condition of a chain such as ``1 < x < 2``."""
        found = None
        for left, sign, right in zip(values, signs, values[1:], strict=False):
            here = self._pair(left, sign, right)
            found = here if found is None else found & here
        return found

    def _pair(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> pc.Expression:
        match sign, right:
            case (ast.Is() | ast.IsNot(), ast.Constant(value=None)):
                missing = self.read(left).is_null()
                return missing if isinstance(sign, ast.Is) else ~missing
            case (ast.In() | ast.NotIn(), ast.List(elts=items) | ast.Tuple(elts=items)):
                listed = [each.value for each in items if isinstance(each, ast.Constant)]
                if len(listed) == len(items):
                    within = self.read(left).isin(listed)
                    return within if isinstance(sign, ast.In) else ~within
        if type(sign) not in COMPARISONS:
            text = ast.unparse(ast.Compare(left, [sign], [right]))
            raise FilterError(f"{text[:80]!r} is no part of a condition\n{ALLOWED}")
        return COMPARISONS[type(sign)](self.read(left), self.read(right))

    def _column(self, name: str) -> pc.Expression:
        if name in ("true", "false"):
            return pc.scalar(name == "true")
        if name not in self.columns:
            raise FilterError(
                f"there is no column {name!r}{did_you_mean(name, sorted(self.columns))}\n"
                f"columns: {', '.join(sorted(self.columns))}"
            )
        return pc.field(name)
