"""Reduction of a symmetry class of tensors to its natural tensors, exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ..arrays import Array, TensorLike
from ..errors import SymmetryError, UnknownPartError
from ..exact.integers import as_integer
from ..exact.notation import LATEX, TEXT, Notation
from ..exact.symbols import is_exact
from ..physical.catalog import catalog
from ..physical.entry import PhysicalTensor
from ..so3.blocks import block_size
from .application import Invalid, Numerics
from .components import Components, Form, independent_components
from .copies import BASES, Basis, WeightSpace, multiplicities, weight_space
from .operators import Embedding, Extraction
from .patterns import Orbit
from .symbolic import SymbolicApplication
from .symmetry import IndexSymmetry

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True, eq=False, repr=False)
class Reduction:
    """The natural tensors inside a symmetry class, and the operators to and from each.

    Obtain one from :func:`reduction`. Everything is derived once, exactly; numeric methods
    convert the exact operators to the type of their argument.

    Attributes:
        symmetry: the index symmetry, polar or axial.
        basis: ``"dual"`` or ``"orthonormal"``.
        name: name in the catalogue, where the reduction was asked for by name.
        components: the independent components.
        multiplicities: number of copies of each weight that occurs.
    """

    symmetry: IndexSymmetry
    basis: Basis
    name: str | None
    components: Components
    multiplicities: Mapping[int, int]

    @property
    def entry(self) -> PhysicalTensor | None:
        """The entry of the catalogue, where the reduction was asked for by name."""
        return None if self.name is None else catalog[self.name]

    @property
    def voigt_form(self) -> Form | None:
        """The form in which tables print the tensor as a matrix of joined index pairs.

        None when the class has no symmetric pairs, and when tables disagree on the factors of a
        named tensor; without factors when the tensor has no name.
        """
        if not self.components.pairs:
            return None
        return self.entry.voigt_form if self.entry else "voigt"

    # --- what is inside -----------------------------------------------------------------------

    @property
    def rank(self) -> int:
        """Number of Cartesian indices."""
        return self.symmetry.rank

    @property
    def dimension(self) -> int:
        """Number of independent components."""
        return self.components.dimension

    @property
    def parity(self) -> int:
        """Sign of the tensor, and of every part, under inversion."""
        return self.symmetry.parity

    @cached_property
    def spaces(self) -> tuple[WeightSpace, ...]:
        """The copies of each weight that occurs, weights ascending; derived when first needed."""
        return tuple(
            weight_space(self.symmetry, weight, count)
            for weight, count in self.multiplicities.items()
        )

    @property
    def copies(self) -> tuple[tuple[int, int], ...]:
        """Every ``(weight, copy)``, weights and copies ascending."""
        return tuple(
            (weight, copy) for weight, count in self.multiplicities.items() for copy in range(count)
        )

    @property
    def irreps(self) -> str:
        """The content in the notation of e3nn, such as ``"2x0e+2x2e+1x4e"``."""
        letter = self.symmetry.parity_letter
        return "+".join(f"{n}x{weight}{letter}" for weight, n in self.multiplicities.items())

    def _space(self, weight: int, copy: int) -> tuple[WeightSpace, int]:
        weight, copy = as_integer(weight, "weight"), as_integer(copy, "copy")
        if not 0 <= copy < self.multiplicities.get(weight, 0):
            raise UnknownPartError(
                f"({weight}, {copy}) is not a part of {self.symmetry}; its parts (weight, copy) "
                "are " + ", ".join(map(str, self.copies))
            )
        return weight_space(self.symmetry, weight, self.multiplicities[weight]), copy

    def embedding(self, weight: int, copy: int = 0) -> Embedding:
        """Return the operator that takes a natural tensor to a tensor of the class.

        Raises:
            UnknownPartError: when the class has no such part; the message lists those it has.
        """
        space, copy = self._space(weight, copy)
        row, radicand = space.embedding_row(copy, self.basis)
        return Embedding(*self._operator_fields(space, copy, row), radicand)

    def extraction(self, weight: int, copy: int = 0) -> Extraction:
        """Return the operator that takes a tensor to one of its natural tensors.

        It annihilates whatever violates the index symmetry. Extraction after embedding is the
        identity on natural tensors.

        Raises:
            UnknownPartError: when the class has no such part; the message lists those it has.
        """
        space, copy = self._space(weight, copy)
        row, radicand = space.extraction_row(copy, self.basis)
        return Extraction(*self._operator_fields(space, copy, row), radicand)

    def _operator_fields(
        self, space: WeightSpace, copy: int, row: tuple[Fraction, ...]
    ) -> tuple[str, int, int, tuple[tuple[Fraction, Orbit], ...]]:
        terms = tuple((c, o) for c, o in zip(row, space.orbits, strict=True) if c)
        return self.symmetry.letters, space.weight, copy, terms

    # --- formulas -----------------------------------------------------------------------------

    def formula(self) -> str:
        """Return the reconstruction and every extraction as lines of Unicode text."""
        return "\n".join(f"{left} = {right}" for left, right in self._equations(TEXT))

    def latex(self) -> str:
        """Return the reconstruction and every extraction as one LaTeX ``aligned`` block."""
        lines = [f"{left} &= {right}" for left, right in self._equations(LATEX)]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _equations(self, notation: Notation) -> list[tuple[str, str]]:
        letters = self.symmetry.letters
        tensor = notation.indexed.format("T", letters) if letters else "T"
        terms = " + ".join(self.embedding(*key).formula(notation) for key in self.copies)
        equations = [(tensor, terms.replace(" + -", " - "))]
        for key in self.copies:
            operator = self.extraction(*key)
            left = notation.part(*key, operator.natural_letters)
            equations.append((left, operator.formula(notation)))
        return equations

    def to_sympy(self) -> dict[sympy.Expr, sympy.Expr]:
        """Return the formulas as SymPy: each left-hand side mapped to its right-hand side.

        Keys are ``T[i, j, ..]`` and ``X_l_c[a, ..]``; repeated indices stand in explicit sums.
        """
        import sympy

        letters = [sympy.Symbol(letter, integer=True) for letter in self.symmetry.letters]
        tensor = sympy.IndexedBase("T")
        result = {}
        total = sympy.S.Zero
        for key in self.copies:
            embedding, extraction = self.embedding(*key), self.extraction(*key)
            free = [sympy.Symbol(x, integer=True) for x in embedding.natural_letters]
            name = f"X_{key[0]}_{key[1]}"
            part = sympy.IndexedBase(name)[tuple(free)] if free else sympy.Symbol(name)
            kernel = embedding.to_sympy()
            total += sympy.Sum(kernel * part, *((x, 0, 2) for x in free)) if free else kernel * part
            whole = tensor[tuple(letters)] if letters else sympy.Symbol("T")
            kernel = extraction.to_sympy()
            result[part] = (
                sympy.Sum(kernel * whole, *((x, 0, 2) for x in letters)) if letters else whole
            )
        return {(tensor[tuple(letters)] if letters else sympy.Symbol("T")): total, **result}

    def __repr__(self) -> str:
        kind = "axial" if self.symmetry.axial else "polar"
        letter = self.symmetry.parity_letter
        indices = str(self.symmetry) or "scalar"
        what = f"{self.name}: {indices}" if self.name else indices
        parts = list(self.multiplicities.items())
        lines = [f"{what} ({kind}, rank {self.rank}), {self.basis} basis"]
        lines += [
            f"  weight {weight}{letter}: {count} {'copy' if count == 1 else 'copies'} "
            f"of {block_size(weight)} component{'s' if weight else ''}"
            for weight, count in parts
        ]
        dimensions = [str(block_size(weight)) for weight, count in parts for _ in range(count)]
        shown = (
            "+".join(dimensions)
            if len(dimensions) <= 20
            else " + ".join(f"{count}x{block_size(weight)}" for weight, count in parts)
        )
        return "\n".join(
            [
                *lines,
                f"  {shown} = {self.dimension} independent component"
                + ("s" if self.dimension > 1 else ""),
            ]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reduction):
            return NotImplemented
        return (self.symmetry, self.basis) == (other.symmetry, other.basis)

    def __hash__(self) -> int:
        return hash((self.symmetry, self.basis))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduction, (self.symmetry, self.basis, self.name)

    # --- numbers ------------------------------------------------------------------------------

    @cached_property
    def _numerics(self) -> Numerics:
        return Numerics(self.symmetry, self.components, self.spaces, self.basis)

    @cached_property
    def _symbolic(self) -> SymbolicApplication:
        return SymbolicApplication(self.symmetry, self.components, self.spaces, self.basis)

    def _for(self, exact: bool, *values: object) -> Numerics | SymbolicApplication:
        """Return what works on values: symbols and exact numbers stay exact."""
        return self._symbolic if exact or any(map(is_exact, values)) else self._numerics

    def decompose(
        self,
        tensor: TensorLike,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> dict[tuple[int, int], Array]:
        """Take tensors apart.

        Args:
            tensor: NumPy array, PyTorch tensor or nested lists, shape ``batch + (3,)*rank``, or
                the shape that ``form`` says; float32, float64 or complex (integers become
                float64). A SymPy matrix or array, fractions, or an array that holds expressions
                stays exact, as do its results.
            form: ``"full"``; ``"components"``: the independent components in the order of
                ``components.labels``; ``"voigt"``: one index 0..5 (xx yy zz yz xz xy) for each
                symmetric pair, without factors, as stiffness; ``"voigt-compliance"``: a factor 2
                for each off-diagonal pair; ``"mandel"``: a factor sqrt 2 for each.
            invalid: what to do with a tensor that violates the index symmetry: ``"raise"``,
                ``"project"`` it first, or ``"ignore"``: read the independent components only.
            exact: True keeps plain integers exact too.

        Returns:
            ``{(weight, copy): array of shape batch + (3,)*weight}``, of the type of the input; of
            exact values a SymPy expression for shape ``()`` and an immutable array otherwise.

        Raises:
            SymmetryError: when a tensor violates the symmetry by more than rounding; the message
                says how much and where.
            TypeError: when a float stands among exact values.
            ValueError: when the shape does not fit or a number is not finite.
        """
        return self._for(exact, tensor).decompose(tensor, form, invalid)

    def reconstruct(
        self,
        parts: Mapping[tuple[int, int], TensorLike],
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Put a tensor together again; the inverse of :meth:`decompose`.

        Args:
            parts: ``{(weight, copy): array of shape batch + (3,)*weight}``; parts left out count
                as zero.
            form: what to return, as in :meth:`decompose`.
            invalid: what to do with a part that is not symmetric and traceless: ``"raise"``, or
                ``"project"`` or ``"ignore"``, which use its natural part only.
            exact: as in :meth:`decompose`.

        Returns:
            The tensor, shape ``batch + (3,)*rank`` for the full form.
        """
        return self._for(exact, parts).reconstruct(parts, form, invalid)

    def symmetrize(self, tensor: TensorLike, *, form: Form = "full", exact: bool = False) -> Array:
        """Return the nearest tensor that has the index symmetry, in the same form."""
        return self._for(exact, tensor).symmetrize(tensor, form)

    def convert(
        self,
        tensor: TensorLike,
        *,
        source: Form = "full",
        target: Form,
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the tensor in another form; the forms are those of :meth:`decompose`."""
        return self._for(exact, tensor).convert(tensor, source, target, invalid)

    def pack(
        self,
        tensor: TensorLike,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the packed coordinates: an isometry, whatever the basis of the reduction.

        ``2 weight + 1`` orthonormal coordinates for each orthonormal copy, ordered by weight,
        copy, m; shape ``batch + (dimension,)``. The sum of their squares is the squared norm of
        the full tensor.
        """
        return self._for(exact, tensor).pack(tensor, form, invalid)

    def unpack(self, packed: TensorLike, *, form: Form = "full", exact: bool = False) -> Array:
        """Return the tensor with the given packed coordinates, shape ``batch + (dimension,)``."""
        return self._for(exact, packed).unpack(packed, form)

    def part(
        self,
        tensor: TensorLike,
        weight: int,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the piece of a tensor that is made of one weight, as a tensor of the class.

        It does not depend on the basis; the pieces of all weights add up to the tensor.
        """
        self._space(weight, 0)
        return self._for(exact, tensor).part(tensor, weight, form, invalid)

    def fractions(
        self,
        tensor: TensorLike,
        *,
        per: Literal["weight", "copy"] = "weight",
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> dict[Any, Any]:
        """Return each part's share of the squared Frobenius norm; the shares sum to 1.

        Args:
            tensor: as in :meth:`decompose`.
            per: ``"weight"``, which no convention touches, or ``"copy"``: by orthonormal copy.
            form: form of the input.
            invalid: as in :meth:`decompose`.
            exact: as in :meth:`decompose`.

        Returns:
            ``{weight: array of shape batch}`` or ``{(weight, copy): array}``; NaN for zero.
        """
        return self._for(exact, tensor).fractions(tensor, per, form, invalid)

    def norm(
        self,
        tensor: TensorLike,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the Frobenius norm of the full tensor, shape ``batch``; the root if symbolic."""
        return self._for(exact, tensor).norm(tensor, form, invalid)

    def rotate(self, tensor: TensorLike, rotation: TensorLike, *, exact: bool = False) -> Array:
        """Return the full tensor rotated actively by ``rotation``, shape ``(3, 3)``.

        ``T'_ij.. = R_ia R_jb .. T_ab..``, times ``det R`` for an axial tensor. With an exact or
        symbolic tensor the rotation is exact too, and proved orthogonal.
        """
        return self._for(exact, tensor, rotation).rotate(tensor, rotation)


@lru_cache(maxsize=256)
def _reduction(symmetry: IndexSymmetry, basis: Basis, name: str | None) -> Reduction:
    components = independent_components(symmetry)
    counts = MappingProxyType(multiplicities(components.orbits, symmetry.rank))
    return Reduction(symmetry, basis, name, components, counts)


def resolve(
    symmetry_or_name: str | IndexSymmetry, axial: bool = False
) -> tuple[IndexSymmetry, str | None]:
    """Return the symmetry meant by a string such as ``"ij=ji"`` or by a name of the catalogue.

    A string that is in the catalogue is a name; any other is read as an index symmetry.
    """
    if isinstance(symmetry_or_name, IndexSymmetry):
        symmetry = symmetry_or_name
        if axial and not symmetry.axial:
            symmetry = IndexSymmetry(symmetry.letters, symmetry.generators, axial=True)
        return symmetry, None
    if not isinstance(symmetry_or_name, str):
        raise TypeError(
            "expected an index symmetry such as 'ijkl=jikl=klij', a name of the catalogue such as "
            f"'elastic' or an IndexSymmetry, got {type(symmetry_or_name).__name__}"
        )
    if symmetry_or_name in catalog:
        entry = catalog[symmetry_or_name]
        if axial and not entry.axial:
            raise SymmetryError(
                f"{entry.name} is a polar tensor, but axial=True was asked for; leave axial out or "
                f"give its symmetry {entry.symmetry!r} instead of its name"
            )
        return IndexSymmetry.parse(entry.symmetry, axial=entry.axial), entry.name
    # "elastik" has seven different letters: a word close to a name is a misspelt name
    word = symmetry_or_name.strip()
    if "=" not in word and len(word) > 2 and ("-" in word[1:] or catalog.nearest(word)):
        catalog[word]  # raises, naming the nearest entries
    try:
        return IndexSymmetry.parse(symmetry_or_name, axial=axial), None
    except SymmetryError as error:
        if "=" in word:
            raise
        raise SymmetryError(
            f"{error}\n{word!r} is no name of the catalogue either (natural-tensors list)"
        ) from None


def reduction(
    symmetry_or_name: str | IndexSymmetry, *, axial: bool = False, basis: Basis = "dual"
) -> Reduction:
    """Reduce a class of tensors to its natural tensors; exact, and cached in memory.

    Args:
        symmetry_or_name: an index symmetry such as ``"ijkl=jikl=klij"``, or a name of the
            catalogue.
        axial: True for a pseudo-tensor; for a name the catalogue knows it.
        basis: ``"dual"``: each copy is embedded by one orbit of delta/epsilon patterns and
            extracted by the inverse Gram matrix; ``"orthonormal"``: Gram-Schmidt of those.

    Raises:
        SymmetryError: when the symmetry cannot be read or forces the tensor to be zero.
        UnknownTensorError: when the name is not in the catalogue.
        ValueError: when the basis is unknown.
    """
    if basis not in BASES:
        raise ValueError(f"basis {basis!r} is not one of {', '.join(map(repr, BASES))}")
    symmetry, name = resolve(symmetry_or_name, axial)
    return _reduction(symmetry, basis, name)
