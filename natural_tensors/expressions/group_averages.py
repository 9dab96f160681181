"""Averages of expressions over a point group, some of their tensors rotating together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..crystals.forms import form
from ..crystals.point_groups import PointGroup, PointGroupError
from ..decomposition.components import Components
from ..decomposition.reductions import Reduction, reduction
from ..exact import linear
from .calculus import split
from .classes import ComponentTable
from .polynomials import Polynomials, Quantities, written_out
from .terms import Classes, Factor, Term, class_of

AVERAGED = "#average"
"""What the averaged product of the rotating factors is called inside a term."""


def group_average(
    terms: Sequence[Term], free: str, classes: Classes, names: Collection[str], group: PointGroup
) -> Polynomials:
    """Return the components of a sum averaged over a group that acts on some of its tensors.

    The product of the rotating factors is projected on what the group leaves alone, ``B (B^T W
    B)^-1 B^T W`` with the columns B of its form and the number W of equal components.

    Raises:
        PointGroupError: when an operation reverses time and nothing says what that does.
    """
    quantities = Quantities.of(classes)
    total: list[Polynomials] = []
    for term in (each.without_deltas(free) for each in terms):
        parts = split(term, names)
        axial = sum(class_of(f.name, classes).symmetry.axial for f in parts.rotating.factors) % 2
        components = written_out([parts.rotating], parts.letters, quantities)
        if components.vanishes:
            continue
        target = reduction(components.symmetry(bool(axial)))
        sign = _time_sign(parts.rotating, classes, group)
        projector = _projector(target, group, sign)
        table, denominator = _projected(components, target.components, projector)
        factors = (*parts.rest.factors, Factor(AVERAGED, parts.letters))
        scaled = Term(parts.rest.coefficient / denominator, factors)
        total.append(written_out([scaled], free, quantities, {AVERAGED: table}))
    return added(total, free, quantities)


def added(pieces: Sequence[Polynomials], free: str, quantities: Quantities) -> Polynomials:
    """Return the sum of tensors in the same quantities."""
    if not pieces:
        return written_out([], free, quantities)
    denominator = lcm(*(piece.denominator for piece in pieces))
    width = max(piece.degree for piece in pieces)
    numerators = [p.numerators.astype(object) * (denominator // p.denominator) for p in pieces]
    return Polynomials.collected(
        free,
        quantities.labels,
        np.concatenate([piece.places for piece in pieces]),
        np.concatenate([piece.widened(width) for piece in pieces]),
        np.concatenate(numerators),
        denominator,
    )


def _time_sign(term: Term, classes: Classes, group: PointGroup) -> int:
    """Return the sign of a product under time reversal, where it matters."""
    signs = [class_of(factor.name, classes).time_reversal for factor in term.factors]
    if None not in signs:
        return -1 if signs.count(-1) % 2 else 1
    if group.magnetic or group.grey:
        unknown = [
            factor.name for factor, sign in zip(term.factors, signs, strict=True) if sign is None
        ]
        raise PointGroupError(
            f"{group} reverses time, and nothing says what that does to {unknown[0]}; declare it "
            f"with ', time-even' or ', time-odd' after its symmetry"
        )
    return 1


def _projector(target: Reduction, group: PointGroup, sign: int) -> list[list[Fraction]] | None:
    """Return the projector on the invariants, over the independent components; None for 0."""
    invariant_form = form(target, group, time_reversal=sign)
    if not invariant_form.free:
        return None
    # in standard axes the form is rational; a common factor of its columns does not matter
    table = [[n for n in row if isinstance(n, Fraction)] for row in invariant_form.table]
    common = lcm(*(n.denominator for row in table for n in row))
    basis: NDArray[Any] = np.array([[int(n * common) for n in row] for row in table], dtype=object)
    weighted = basis * target.components.orbits.sizes[:, None]
    inverse: NDArray[Any] = np.array(linear.inverse(weighted.T.dot(basis)), dtype=object)
    rows: list[list[Fraction]] = basis.dot(inverse).dot(weighted.T).tolist()
    return rows


def _projected(
    components: Polynomials, independent: Components, projector: list[list[Fraction]] | None
) -> tuple[ComponentTable, int]:
    """Return the projected components as integer combinations of products, and a denominator."""
    orbits = independent.orbits
    size = len(orbits.position)
    if projector is None:
        nothing = np.zeros((0, components.degree), dtype=np.int64)
        return ComponentTable(np.zeros(size + 1, np.int64), nothing, nothing.sum(axis=1)), 1
    polynomials: list[dict[tuple[int, ...], Fraction]] = []
    rows: dict[int, list[tuple[tuple[int, ...], Fraction]]] = {}
    columns = (components.places, components.monomials, components.numerators)
    for place, monomial, number in zip(*(c.tolist() for c in columns), strict=True):
        entry = (tuple(monomial), Fraction(int(number), components.denominator))
        rows.setdefault(place, []).append(entry)
    representatives = orbits.representatives.tolist()
    for line in projector:
        total: dict[tuple[int, ...], Fraction] = {}
        for share, place in zip(line, representatives, strict=True):
            for monomial, number in rows.get(place, []) if share else []:
                total[monomial] = total.get(monomial, Fraction(0)) + share * number
        polynomials.append({m: q for m, q in total.items() if q})
    denominator = lcm(*(q.denominator for total in polynomials for q in total.values()))
    starts, monomials, values = [0], [], []
    for position, sign in zip(orbits.position.tolist(), orbits.signs.tolist(), strict=True):
        for monomial, number in polynomials[position].items() if sign else ():
            monomials.append(monomial)
            values.append(sign * int(number * denominator))
        starts.append(len(values))
    shape = (len(values), components.degree)
    return (
        ComponentTable(
            np.array(starts),
            np.array(monomials, dtype=np.int64).reshape(shape),
            np.array(values, dtype=np.int64),
        ),
        denominator,
    )
