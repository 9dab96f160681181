"""Exact entries of files and command lines: text such as ``(C11 - C12)/2`` to an expression.

Grammar (blanks are free between its words)::

    sum    = ["+" | "-"] product { ("+" | "-") product }
    product = power { ("*" | "/") power }
    power  = ["+" | "-"] power | atom ["**" power]
    atom   = integer | name | ("sqrt" | "sin" | "cos") "(" sum ")" | "(" sum ")"

A coefficient may stand before a name or bracket without a sign: ``1/2 C11``. The text is never
evaluated as a program, and no name but those of the three functions has a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from keyword import iskeyword
from typing import NoReturn

from ..errors import InputError
from ..exact.symbols import Expression

FUNCTIONS = ("sqrt", "sin", "cos")
EXAMPLE = "write it like C11, 1/3, -2*d11, (C11 - C12)/2 or sqrt(2)*C44"
LONGEST, DEEPEST = 20_000, 60
"""Characters of an entry; brackets and signs inside one another."""
LARGEST_POWER = 64
LONGEST_NUMBER = 20_000
"""Bits of a power of numbers: powers of powers grow without end."""

_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<decimal>(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)"
    r"|(?P<integer>\d+)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|[-+*/()\u2212])"
)


class EntryError(InputError, ValueError):
    """An entry that cannot be read as an exact expression; the fault is marked."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def symbol(name: str) -> Expression:
    """Return the real symbol of a name: what a constant of a tensor is everywhere here."""
    import sympy

    return sympy.Symbol(name, real=True)


def fraction_text(decimal: str) -> str:
    """Write a decimal number as the fraction that it is."""
    # 1e999999999 is short, and its fraction is not
    short = len(decimal) < 40 and not re.search(r"[eE][-+]?\d{3}", decimal)
    return str(Fraction(decimal)) if short else "a fraction such as 1/2"


def read_entry(text: str) -> Expression:
    """Return the expression that a text states, exactly; every name in it is a real symbol.

    Args:
        text: integers, names, ``+ - * / ** ( )``, sqrt, sin and cos.

    Raises:
        EntryError: for anything else, for decimals, and for what is not finite and real.
    """
    return _Reader(text).entry()


def _bits(number: Expression) -> int:
    return max(int(number.p).bit_length(), int(number.q).bit_length())


class _Reader:
    """A parser by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > LONGEST:
            raise EntryError(f"an entry has {len(text)} characters; allowed: {LONGEST}")
        self.tokens = list(self._tokens())
        self.at = 0
        self.depth = 0

    def fault(self, reason: str, place: int, length: int, remedy: str = EXAMPLE) -> NoReturn:
        """Raise an error that marks a place."""
        start = max(place - 60, 0)
        shown = re.sub(r"\s", " ", self.text[start : place + length + 60])
        before, after = "..." * (start > 0), "..." * (place + length + 60 < len(self.text))
        marks = " " * (len(before) + place - start) + "^" * max(length, 1)
        raise EntryError(f"{reason}\n    {before}{shown}{after}\n    {marks}\n{remedy}")

    def _tokens(self) -> Iterator[_Token]:
        place = 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            if match is None or match.lastgroup is None:
                wrong = self.text[place]
                remedy = "write powers as C11**2" if wrong == "^" else EXAMPLE
                self.fault(f"{wrong!r} is not understood", place, 1, remedy)
            kind, word = match.lastgroup, match[0]
            if kind == "decimal":
                self.fault(
                    f"{word} is a decimal number", place, len(word),
                    f"symbols and exact numbers take no decimals: write {fraction_text(word)}",
                )  # fmt: skip
            if kind == "name" and iskeyword(word):
                self.fault(
                    f"{word!r} is a word of Python, which SymPy cannot read back", place,
                    len(word), f"give the symbol another name, such as {word[:3].lower()}_0",
                )  # fmt: skip
            if kind != "blank":
                yield _Token(kind, word.replace("\u2212", "-"), place)
            place = match.end()
        yield _Token("end", "", len(self.text))

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def unexpected(self) -> NoReturn:
        """Refuse the next word."""
        token = self.token
        if token.kind == "end":
            self.fault("something is missing at the end", token.place, 1)
        before = self.tokens[self.at - 1].kind if self.at else "sign"
        if before != "sign" and token.kind != "sign":
            self.fault("a sign is missing", token.place, len(token.text),
                       "write products with *, and put commas between entries")  # fmt: skip
        self.fault(f"{token.text!r} is out of place", token.place, len(token.text))

    # --- grammar ----------------------------------------------------------------------------

    def entry(self) -> Expression:
        """Read the whole text."""
        value = self.sum()
        if self.token.kind != "end":
            self.unexpected()
        if value.is_real is False:
            self.fault("this is not real", 0, len(self.text), "components of a tensor are real")
        return value

    def sum(self) -> Expression:
        """Read a sum."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fault("this is nested too deeply", self.token.place, 1)
        value = self.product()
        while self.token.text in ("+", "-"):
            sign = self.take().text
            term = self.product()
            value = value + term if sign == "+" else value - term
        self.depth -= 1
        return value

    def product(self) -> Expression:
        """Read a product; only its coefficient needs no sign before what follows."""
        first = self.at
        value = self.power()
        while True:
            number = all(
                t.kind == "integer" or t.text in "+-/" for t in self.tokens[first : self.at]
            )
            if self.token.text == "*":
                self.take()
                value *= self.power()
            elif self.token.text == "/":
                self.take()
                place = self.token.place
                divisor = self.power()
                if divisor.is_zero:
                    self.fault("this is a division by zero", place, 1)
                value /= divisor
            elif number and (self.token.kind == "name" or self.token.text == "("):
                value *= self.power()
            else:
                return value

    def power(self) -> Expression:
        """Read a signed power."""
        if self.token.text in ("+", "-"):
            self.depth += 1
            if self.depth > DEEPEST:
                self.fault("this is nested too deeply", self.token.place, 1)
            sign = self.take().text
            value = self.power()
            self.depth -= 1
            return value if sign == "+" else -value
        base, place = self.atom(), self.token.place
        if self.token.text != "**":
            return base
        self.take()
        exponent = self.power()
        if not exponent.is_Rational or abs(exponent) > LARGEST_POWER:
            self.fault(
                "this exponent is not allowed", place + 2, max(self.token.place - place - 2, 1),
                f"exponents are whole numbers or fractions, at most {LARGEST_POWER}",
            )  # fmt: skip
        if base.is_Rational and abs(exponent) * _bits(base) > LONGEST_NUMBER:
            self.fault("this number is too long", place, 2, f"at most {LONGEST_NUMBER} bits")
        if base.is_zero and exponent < 0:
            self.fault("this is a division by zero", place, 2)
        return base**exponent

    def atom(self) -> Expression:
        """Read a number, a symbol, a function or a bracket."""
        import sympy

        token = self.token
        if token.kind == "integer":
            if len(token.text) > 1000:
                self.fault("this number is too long", token.place, 1, "at most 1000 digits")
            return sympy.Integer(int(self.take().text))
        if token.text == "(":
            return self.bracket()
        if token.kind != "name":
            self.unexpected()
        name = self.take().text
        if name in FUNCTIONS:
            if self.token.text != "(":
                self.fault(f"{name} needs a bracket", token.place, len(name), "write sqrt(2)")
            return getattr(sympy, name)(self.bracket())
        if self.token.text == "(":
            self.fault(
                f"{name!r} is no function", token.place, len(name),
                f"allowed: {', '.join(FUNCTIONS)}; write products with *",
            )  # fmt: skip
        return symbol(name)

    def bracket(self) -> Expression:
        """Read what stands in brackets."""
        place = self.take().place
        value = self.sum()
        if self.token.text != ")":
            if self.token.kind == "end":
                self.fault("a bracket is not closed", place, 1)
            self.unexpected()
        self.take()
        return value
