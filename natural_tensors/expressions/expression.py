"""An index expression: what it is made of, and everything that follows from it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..crystals.point_groups import PointGroup, point_group
from ..decomposition.reductions import Reduction, reduction
from ..decomposition.symmetry import IndexSymmetry, SignedPermutation
from ..errors import UnknownPartError
from ..exact import linear
from ..exact.notation import LATEX, TEXT, Notation, Written
from . import calculus
from .classes import EPSILON, Declared, TensorClass, tensor_class
from .contraction import ContractionOrder, contraction_order
from .group_averages import group_average
from .parsing import ReadTerm, read, spare_indices
from .polynomials import Polynomials, Quantities, derivative_rows, written_out
from .printing import sum_text, sympy_sum
from .problems import ExpressionError, pointed
from .symmetries import closure
from .terms import Factor, Term, Vanishing, Writings, class_of, has_zero_trace, simplified

Weights = Mapping[int, tuple[int, int]]
"""By weight: how many copies, and of how many."""


@dataclass(frozen=True, eq=False, repr=False)
class Expression(Written):
    """A sum of products of tensors with indices; obtain one from :func:`expression`.

    Attributes:
        terms: the products.
        free: the free indices, in the order of the slots of the result.
        tensors: the class of each tensor, by name.
        axial: whether the result is a pseudo-tensor.
    """

    terms: tuple[Term, ...]
    free: str
    tensors: Mapping[str, TensorClass]
    axial: bool

    # --- what the result is -------------------------------------------------------------------

    @property
    def rank(self) -> int:
        """Number of free indices."""
        return len(self.free)

    @cached_property
    def quantities(self) -> Quantities:
        """The independent components of all its tensors, numbered."""
        return Quantities.of(self.tensors)

    @cached_property
    def polynomials(self) -> Polynomials:
        """Its components, as polynomials in the independent components of the tensors."""
        reduced = [term.without_deltas(self.free) for term in self.terms]
        return written_out(reduced, self.free, self.quantities)

    @property
    def vanishes(self) -> bool:
        """Whether it is zero whatever the tensors are."""
        return self.polynomials.vanishes

    @cached_property
    def symmetry(self) -> IndexSymmetry:
        """The index symmetry of the result, all of it.

        Every signed permutation of the free indices that leaves the polynomials of the components
        unchanged, and no other. Of an expression that vanishes: no relations.
        """
        if self.vanishes:
            return IndexSymmetry(self.free, (), self.axial)
        return self.polynomials.symmetry(self.axial)

    @cached_property
    def automorphisms(self) -> tuple[SignedPermutation, ...]:
        """The signed permutations of the free indices that the contraction alone shows.

        Those that rearrange the factors of every product, each within its symmetry, and give the
        same product again: for a single product its automorphisms, for a sum those all share.
        """
        shared: set[SignedPermutation] | None = None
        for term in simplified(self.terms, self.free, self.tensors):
            of_term = set(Writings(term, self.free, self.tensors, named=False).automorphisms())
            shared = of_term if shared is None else shared & of_term
        return tuple(sorted(shared or (), key=lambda element: element.slots))

    @property
    def explained(self) -> bool:
        """Whether the automorphisms are all of its symmetry."""
        group = closure(self.symmetry.generators) if self.rank else set()
        return group is not None and max(len(group), 1) == max(len(self.automorphisms), 1)

    @cached_property
    def reduction(self) -> Reduction:
        """The reduction of the index symmetry of the result.

        Raises:
            ExpressionError: when the expression vanishes.
        """
        if self.vanishes:
            raise ExpressionError(f"{self} vanishes: {self.reason}")
        return reduction(self.symmetry)

    @property
    def irreps(self) -> str:
        """The content of the class of the result, such as ``"2x0e+2x2e+1x4e"``; empty for zero."""
        return "" if self.vanishes else self.reduction.irreps

    @property
    def parity(self) -> int:
        """Sign of the result under inversion."""
        return self.symmetry.parity

    @property
    def time_reversal(self) -> int | None:
        """Sign of the result under time reversal.

        None where a tensor does not state its own, or where products differ.
        """
        signs = {
            (-1) ** times.count(-1) if None not in times else None
            for term in self.terms
            for times in [[class_of(f.name, self.tensors).time_reversal for f in term.factors]]
        }
        return signs.pop() if len(signs) == 1 else None

    @cached_property
    def reason(self) -> str:
        """Why the expression vanishes; empty when it does not."""
        if not self.vanishes:
            return ""
        if not self.terms:
            return "no product is left"
        reasons = []
        for term in self.terms:
            reduced = term.without_deltas(self.free)
            if has_zero_trace(reduced, self.tensors):
                reasons.append(f"{self._text(term)}: a natural tensor has no trace")
                continue
            cause = Writings(reduced, self.free, self.tensors).vanishing
            if cause is not None:
                reasons.append(f"{self._text(term)}: {_told(cause)}")
        if len(reasons) == len(self.terms):
            return "; ".join(reasons)
        if not simplified(self.terms, self.free, self.tensors):
            return "; ".join([*reasons, "the terms cancel each other"])
        return "every component is zero in three dimensions, though no renaming of indices shows it"

    # --- which weights take part --------------------------------------------------------------

    @cached_property
    def weights(self) -> Weights:
        """By weight of the class of the result: how many copies occur, and of how many.

        Fewer than the class has where traces or other relations hold that are no index symmetry.
        """
        if self.vanishes:
            return MappingProxyType({})
        target, table = self.reduction, self.polynomials
        orbits = target.components.orbits
        chosen = np.flatnonzero(np.isin(table.places, orbits.representatives))
        row = orbits.position[table.places[chosen]]
        _, products = np.unique(table.monomials[chosen], axis=0, return_inverse=True)
        occurring = {}
        for space in target.spaces:
            values = space.values(target.components)[:, :, 0] * orbits.sizes[:, None]
            total = np.zeros((int(products.max()) + 1, space.multiplicity), dtype=object)
            numbers = table.numerators[chosen].astype(object)
            np.add.at(total, products.reshape(-1), numbers[:, None] * values[row])
            occurring[space.weight] = (_rank(total), space.multiplicity)
        return MappingProxyType(occurring)

    @cached_property
    def contributions(self) -> Mapping[str, Weights]:
        """By tensor and weight: how many of its copies the result depends on, and of how many.

        A copy takes part when the derivative of the result along it is not identically zero.
        """
        contributions_of: dict[str, Weights] = {}
        for name, declared in self.tensors.items():
            values, rows, columns = derivative_rows(
                self.polynomials, self.quantities.range_of(name)
            )
            if declared.natural:
                contributions_of[name] = MappingProxyType(
                    {declared.rank: (int(bool(values.size)), 1)}
                )
                continue
            target = declared.reduction
            counts = {}
            for space in target.spaces:
                table = space.values(target.components)[:, :, 0]
                height = int(rows.max()) + 1 if rows.size else 0
                total = np.zeros((height, space.multiplicity), dtype=object)
                np.add.at(total, rows, values.astype(object)[:, None] * table[columns])
                counts[space.weight] = (_rank(total), space.multiplicity)
            contributions_of[name] = MappingProxyType(counts)
        return MappingProxyType(contributions_of)

    @cached_property
    def orders(self) -> tuple[ContractionOrder, ...]:
        """For each product the order of contraction with the fewest multiplications."""
        return tuple(
            contraction_order(term.without_deltas(self.free), self.free) for term in self.terms
        )

    # --- other expressions --------------------------------------------------------------------

    def simplify(self) -> Expression:
        """Return the same sum with like products joined, in a canonical writing."""
        return self._with(simplified(self.terms, self.free, self.tensors))

    def equals(self, other: Expression) -> bool:
        """Say, exactly, whether two expressions have the same components.

        Their free indices may have other letters; tensors of one name must be of one class.
        """
        merged = {**other.tensors, **self.tensors}
        for name in set(self.tensors) & set(other.tensors):
            if self.tensors[name] != other.tensors[name]:
                return False
        quantities = Quantities.of(merged)
        left = written_out(self.terms, self.free, quantities)
        right = written_out(other.terms, other.free, quantities)
        if left.rank != right.rank:
            return False
        return left == right.relettered(self.free)

    def diff(self, tensor: str, indices: str | None = None) -> Expression:
        """Return the derivative by a tensor; it has the symmetry of that tensor.

        It is the D with ``dE = D_ab.. dT_ab..`` for every change of T within its class; the
        indices of T follow the free ones.

        Args:
            tensor: name of the tensor.
            indices: letters for its indices; chosen when omitted.

        Raises:
            ExpressionError: when there is no such tensor or the letters do not fit.
        """
        declared = self._class(tensor)
        taken = {x for term in self.terms for x in term.letters} | set(self.free)
        rank = declared.rank
        letters = "".join(spare_indices(taken, rank)) if indices is None else indices
        if len(letters) != rank or len(set(letters + self.free)) < len(letters + self.free):
            raise ExpressionError(
                f"indices={indices!r} does not fit: {tensor} has {rank} indices, each needs a "
                f"letter of its own, other than the free ones ({self.free or 'none'})"
            )
        terms = [term.with_other_sums(self.free, letters) for term in self.terms]
        derivative = calculus.derivative(terms, self.free, self.tensors, tensor, letters)
        axial = self.axial != declared.symmetry.axial
        return Expression(derivative, self.free + letters, self.tensors, axial)

    def average(self, *tensors: str) -> Expression:
        """Return the average over all orientations of some tensors, which rotate together.

        Args:
            tensors: names of those that rotate, the others stay; all of them when none is named.
        """
        names = self._names(tensors)
        return self._with(calculus.isotropic(self.terms, self.free, self.tensors, names))

    def group_average(self, group: str | PointGroup, *tensors: str) -> Polynomials:
        """Return the components averaged over a point group that acts on some of the tensors.

        Args:
            group: a point group or its symbol, in its standard axes (rule 20).
            tensors: names of those that it acts on; all of them when none is named.
        """
        points = group if isinstance(group, PointGroup) else point_group(group)
        names = self._names(tensors)
        return group_average(self.terms, self.free, self.tensors, names, points)

    def substitute(self, tensor: str, parts: Iterable[tuple[int, int]] | None = None) -> Expression:
        """Return the expression with a tensor replaced by its natural parts, ``T(weight,copy)``.

        Args:
            tensor: name of the tensor.
            parts: the parts to keep, ``(weight, copy)``, the others set to zero; all when omitted.

        Raises:
            UnknownPartError: when the tensor has no such part.
        """
        declared = self._class(tensor)
        if declared.natural:
            raise ExpressionError(f"{tensor} is a natural tensor already: {declared}")
        copies = declared.reduction.copies
        chosen = copies if parts is None else tuple(parts)
        for key in chosen:
            if key not in copies:
                raise UnknownPartError(
                    f"{key} is not a part of {tensor} ({declared}); its parts (weight, copy) are "
                    + ", ".join(map(str, copies))
                )
        terms, classes = calculus.natural_parts(self.terms, self.free, self.tensors, tensor, chosen)
        return Expression(terms, self.free, MappingProxyType(dict(classes)), self.axial)

    def _with(self, terms: tuple[Term, ...]) -> Expression:
        return Expression(terms, self.free, self.tensors, self.axial)

    def _class(self, name: str) -> TensorClass:
        if name not in self.tensors:
            near = get_close_matches(name, list(self.tensors), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ExpressionError(
                f"{self} has no tensor {name!r}{hint}; its tensors are "
                f"{', '.join(self.tensors) or 'none'}"
            )
        return self.tensors[name]

    def _names(self, tensors: tuple[str, ...]) -> tuple[str, ...]:
        for name in tensors:
            self._class(name)
        return tensors or tuple(self.tensors)

    # --- how it is written --------------------------------------------------------------------

    def formula(self, notation: Notation = TEXT) -> str:
        """Return the sum; after an arrow the free indices where they are not as they appear."""
        text = sum_text(self.terms, notation, declared=frozenset(self.tensors))
        first = self.terms[0] if self.terms else Term(Fraction(0), ())
        counted = "".join(factor.indices for factor in first.factors)
        appearing = "".join(x for x in first.letters if counted.count(x) == 1)
        if notation is TEXT and appearing != self.free:
            text += f" -> {self.free}"
        return text

    def latex(self) -> str:
        """Return the sum in LaTeX, without dollar signs."""
        return self.formula(LATEX)

    def to_sympy(self) -> Any:
        """Return the sum in SymPy: ``T[i, j]``, KroneckerDelta, LeviCivita, sums over 0, 1, 2."""
        return sympy_sum(self.terms, self.free)

    def components(self) -> Any:
        """Return the components in SymPy: an expression for a scalar, an array otherwise.

        Symbols are real and named after the independent components, such as ``C_xxyy``.
        """
        return self.polynomials.to_sympy()

    def _text(self, term: Term) -> str:
        return sum_text([term], TEXT, declared=frozenset(self.tensors)).removeprefix("-")

    def __repr__(self) -> str:
        lines = [str(self)]
        time = {1: "time-even", -1: "time-odd", None: "time reversal unknown"}[self.time_reversal]
        parity = f"{'axial' if self.axial else 'polar'}, {time}"
        if self.vanishes:
            return "\n".join([*lines, f"  vanishes: {self.reason}"])
        indices = f"indices {self.symmetry}" if self.rank else "a scalar"
        size = self.reduction.dimension
        plural = "" if size == 1 else "s"
        lines.append(f"  {indices} ({parity}), {size} independent component{plural}: {self.irreps}")
        if any(count < of for count, of in self.weights.values()):
            lines.append(f"  of them {_weights_text(self.weights)}")
        for name, declared in self.tensors.items():
            counts = self.contributions[name]
            lines.append(f"  {name}: {declared}; {_weights_text(counts)}")
        lines += [f"  {order}" for order in self.orders if order.steps]
        return "\n".join(lines)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expression):
            return NotImplemented
        same = self.terms == other.terms and self.free == other.free
        return same and dict(self.tensors) == dict(other.tensors)

    def __hash__(self) -> int:
        return hash((self.terms, self.free))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.terms, self.free, dict(self.tensors), self.axial)


def _rebuilt(
    terms: tuple[Term, ...], free: str, tensors: dict[str, TensorClass], axial: bool
) -> Expression:
    return Expression(terms, free, MappingProxyType(tensors), axial)


def _weights_text(weights: Weights) -> str:
    """Write which weights take part: ``weights 0 (2 of 2), 2 (1 of 2)``."""
    taking = {weight: counts for weight, counts in weights.items() if counts[0]}
    if not taking:
        return "no weight takes part"
    shown = [
        f"{weight}" + (f" ({count} of {of})" if of > 1 else "")
        for weight, (count, of) in taking.items()
    ]
    out = [str(weight) for weight in weights if weight not in taking]
    text = f"weight{'s' if len(taking) > 1 else ''} {', '.join(shown)}"
    return text + (f", not {', '.join(out)}" if out else "")


def _told(cause: Vanishing) -> str:
    """Say in words why a product is minus itself."""
    if cause.factor is not None:
        name = "ε" if cause.factor == EPSILON else cause.factor
        return f"the symmetry of {name} makes it minus itself"
    pairs = sorted({tuple(sorted(pair)) for pair in cause.renaming})
    if not pairs:
        return "exchanging equal factors makes it minus itself"
    if 2 * len(pairs) == len(cause.renaming):
        shown = " and of ".join(f"{a} and {b}" for a, b in pairs)
        return f"an exchange of the summed {shown} makes it minus itself"
    shown = ", ".join(f"{old} to {new}" for old, new in cause.renaming)
    return f"renaming the summed {shown} makes it minus itself"


def _rank(matrix: NDArray[np.object_]) -> int:
    """Return the rank of an integer matrix, from the Gram matrix of its columns."""
    if not matrix.size:
        return 0
    pivots, _ = linear.reduced_rows(matrix.T.dot(matrix))
    return len(pivots)


def expression(text: str, /, **tensors: Declared) -> Expression:
    """Read an index expression; everything about it is derived exactly.

    Einstein's convention: an index that occurs twice in a product is summed over x, y, z, one that
    occurs once is free. ``δ_ij`` (``delta``) and ``ε_ijk`` (``eps``, ``epsilon``) are the
    isotropic symbols unless a tensor is declared by that name; numbers are whole or fractions;
    brackets are multiplied out, ``^2`` repeats a factor. The free indices stand in the order in
    which the first product names them, or as after ``->``.

    Args:
        text: such as ``"C_ijkl n_j n_l"``, ``"1/2 C_ijkl e_ij e_kl"`` or ``"a_i b_j -> ji"``.
        tensors: what each tensor is: a name of the catalogue (``C="elastic"``), an index symmetry
            (``e="ij=ji"``; ``"i"`` is a polar vector, ``"scalar"`` a scalar), with ``axial``,
            ``time-even`` or ``time-odd`` after commas where it is to be stated
            (``B="i, axial, time-odd"``); ``"natural tensor of weight 2"``, symmetric and without
            traces; an IndexSymmetry, a Reduction or a PhysicalTensor.

    Raises:
        ExpressionError: when the text cannot be read or does not fit; the place is marked.
        SymmetryError, UnknownTensorError: when a declaration cannot be read.
    """
    classes = {name: tensor_class(name, declared) for name, declared in tensors.items()}
    terms, free = read(text, {name: declared.rank for name, declared in classes.items()})
    used = {factor.name for term in terms for factor in term.factors}
    for name in classes:
        if name not in used:
            raise ExpressionError(
                f"{name} is declared and does not occur in {text!r}; leave the declaration out or "
                "mend the expression"
            )
    order = dict.fromkeys(f.name for term in terms for f in term.factors if f.name in classes)
    axial = _shared_parity(text, terms, classes)
    products = tuple(
        Term(term.coefficient, tuple(Factor(f.name, f.indices) for f in term.factors))
        for term in terms
    )
    occurring = MappingProxyType({name: classes[name] for name in order})
    return Expression(products, free, occurring, axial)


def _shared_parity(text: str, terms: list[ReadTerm], classes: Mapping[str, TensorClass]) -> bool:
    """Return whether every product is axial, or none; refuse a mixture."""
    parities = [
        sum(class_of(f.name, classes).symmetry.axial for f in term.factors) % 2 for term in terms
    ]
    for term, axial in zip(terms, parities, strict=True):
        if axial != parities[0]:
            kinds = ["a polar tensor", "an axial one"]
            raise pointed(
                f"this term is {kinds[axial]}, the first is {kinds[parities[0]]}",
                text,
                term.place,
                term.length,
                "an inversion would act on them differently: declare a tensor as "
                "'axial', or give one of the terms a factor that is (s='scalar, axial')",
            )
    return bool(parities[0])
