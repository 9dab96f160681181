"""Components in terms of the parameters a group leaves: what forms in space and plane share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from types import MappingProxyType

from ..decomposition.components import EntryLayout, Form
from ..exact.surds import Surd

Number = Fraction | Surd
Row = tuple[Number, ...]


class InvariantForm(ABC):
    """What every form has, in space and in the plane: parameters, and the rest in terms of them."""

    free: tuple[int, ...]
    table: tuple[Row, ...]

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the independent components of the class."""

    @property
    @abstractmethod
    def written_as(self) -> Form:
        """The form whose entries the relations hold for, with its factors of 2."""

    @property
    @abstractmethod
    def _layout(self) -> EntryLayout: ...

    @property
    def independent(self) -> int:
        """How many constants are independent."""
        return len(self.free)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the independent constants."""
        return tuple(self.names[i] for i in self.free)

    @cached_property
    def _shown(self) -> tuple[Row, ...]:
        """The table for the entries of the written form, which carry factors of 2."""
        halves = self._layout.halves[self._layout.entries]
        factors = [2 ** (int(count) // 2) for count in halves]
        return tuple(
            tuple(
                number * Fraction(factors[i], factors[parameter])
                for number, parameter in zip(row, self.free, strict=True)
            )
            for i, row in enumerate(self.table)
        )

    @cached_property
    def relations(self) -> Mapping[str, str]:
        """Every component that is no parameter, in terms of the parameters."""
        return MappingProxyType(
            {
                name: combination(row, self.parameters)
                for i, (name, row) in enumerate(zip(self.names, self._shown, strict=True))
                if i not in self.free
            }
        )


def combination(row: Sequence[Number], names: Sequence[str]) -> str:
    """Write a sum of multiples of names, such as ``"(C11 - C12)/2"``; ``"0"`` when empty."""
    terms = [
        (Surd({1: n}) if isinstance(n, Fraction) else n, name)
        for n, name in zip(row, names, strict=True)
        if n
    ]
    if not terms:
        return "0"
    roots = {tuple(number.terms) for number, _ in terms}
    if len(roots) > 1 or len(min(roots)) > 1:
        return _joined([(_times(str(number)), name) for number, name in terms])
    ((root,),) = roots  # one root that all terms share, mostly that of 1
    fractions = [(number.terms[root], name) for number, name in terms]
    bottom = lcm(*(number.denominator for number, _ in fractions))
    integers = [int(number * bottom) for number, _ in fractions]
    top = gcd(*integers)
    inner = _joined(
        [(_times(str(n // top)), name) for n, (_, name) in zip(integers, fractions, strict=True)]
    )
    factor = _times(str(Surd({root: Fraction(top)})))
    if len(terms) > 1 and (factor or bottom > 1):
        inner = f"({inner})"
    elif factor and inner.startswith("-"):
        factor, inner = f"-{factor}", inner[1:]
    text = f"{factor} {inner}" if factor else inner
    return text if bottom == 1 else f"{text}/{bottom}"


def _joined(terms: Iterable[tuple[str, str]]) -> str:
    text = ""
    for factor, name in terms:
        sign, size = ("-", factor[1:]) if factor.startswith("-") else ("+", factor)
        piece = f"{size} {name}" if size else name
        text += (f" {sign} " if text else "-" * (sign == "-")) + piece
    return text


def _times(number: str) -> str:
    """Write a factor in front of a name; nothing for 1."""
    if number in ("1", "-1"):
        return number[:-1]
    return f"({number})" if " " in number else number
