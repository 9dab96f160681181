"""Symbols of the elements, and formulas made of them as pymatgen writes them.

Written here because pymatgen takes a fifth of a second to load, and a prediction needs no more of
it. Equality with pymatgen is tested.

>>> SYMBOLS[14], number_of("Si"), number_of("Xx")
('Si', 14, None)
>>> reduced_formula({3: 4, 26: 4, 15: 4, 8: 16}), reduced_formula({12: 3, 8: 8, 15: 2})
('LiFePO4', 'Mg3(PO4)2')
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

SYMBOLS = (
    "X", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S",
    "Cl", "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge",
    "As", "Se", "Br", "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd",
    "In", "Sn", "Sb", "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd",
    "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg",
    "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm",
    "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn",
    "Nh", "Fl", "Mc", "Lv", "Ts", "Og",
)  # fmt: skip
"""By atomic number; 0 is no element."""

_NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS) if number}

WHOLE = {
    "LiO": "Li2O2", "NaO": "Na2O2", "KO": "K2O2", "HO": "H2O2", "CsO": "Cs2O2", "RbO": "Rb2O2",
    "O": "O2", "N": "N2", "F": "F2", "Cl": "Cl2", "H": "H2",
}  # fmt: skip
"""Formulas that are not reduced as far as they could be: peroxides, gases of two atoms."""

POLYANION = 1.65
"""Least difference of electronegativity at which the last two elements are no group."""


def number_of(symbol: str) -> int | None:
    """Return the atomic number of a symbol; None when there is no such element."""
    return _NUMBERS.get(symbol)


@cache
def electronegativities() -> tuple[float, ...]:
    """Return electronegativities by atomic number (Pauling, ``elements.json``); NaN if unknown."""
    table = json.loads(files(__package__).joinpath("elements.json").read_text(encoding="utf-8"))
    column = list(table["columns"]).index("electronegativity")
    known = {symbol: row[column] for symbol, row in table["elements"].items()}
    return tuple(
        math.nan if known.get(symbol) is None else float(known[symbol]) for symbol in SYMBOLS
    )


def reduced_formula(counts: Mapping[int, int]) -> str:
    """Return a formula in smallest whole numbers, the most electropositive element first.

    Args:
        counts: number of atoms by atomic number, each at least 1.
    """
    formula = _reduced(counts)[0]
    return WHOLE.get(formula, formula)


def hill_formula(counts: Mapping[int, int]) -> str:
    """Return a formula in Hill's order: carbon, hydrogen, then by the alphabet.

    Without carbon all by the alphabet. Nothing is reduced.

    >>> hill_formula({8: 2, 14: 1}), hill_formula({6: 2, 8: 1, 1: 6})
    ('O2Si', 'C2H6O')
    """
    first = ("C", "H") if 6 in counts else ()
    by_symbol = {SYMBOLS[number]: count for number, count in counts.items()}
    names = [name for name in first if name in by_symbol]
    names += [name for name in sorted(by_symbol) if name not in first]
    return "".join(_term(name, by_symbol[name]) for name in names)


def _reduced(counts: Mapping[int, int]) -> tuple[str, int]:
    """Return the reduced formula and how many of it there are."""
    table = electronegativities()

    def place(number: int) -> tuple[float, str]:
        value = table[number]
        return (math.inf if math.isnan(value) else value, SYMBOLS[number])

    order = sorted(counts, key=place)
    factor = math.gcd(*counts.values())
    group = ""
    if len(order) > 2 and table[order[-1]] - table[order[-2]] < POLYANION:
        inner, times = _reduced({number: counts[number] // factor for number in order[-2:]})
        if times != 1:
            group, order = f"({inner}){times}", order[:-2]
    terms = (_term(SYMBOLS[number], counts[number] // factor) for number in order)
    return "".join(terms) + group, factor


def _term(symbol: str, count: int) -> str:
    return symbol if count == 1 else f"{symbol}{count}"
