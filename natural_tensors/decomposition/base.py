"""What every reduction knows and does, in space and in the plane."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ..arrays import Array, TensorLike
from ..errors import UnknownPartError
from ..exact.integers import as_integer
from ..exact.line_breaks import latex_lines
from ..exact.notation import LATEX, TEXT, Notation
from ..exact.symbols import is_exact
from ..physical.catalog import catalog
from ..physical.entry import PhysicalTensor
from .application import Invalid, Numerics
from .components import Components, Form
from .copies import Basis, WeightSpace
from .operators import Embedding, Extraction
from .symbolic import SymbolicApplication
from .symmetry import IndexSymmetry

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True, eq=False, repr=False)
class ReductionBase(ABC):
    """The natural tensors of a symmetry class; an index takes 3 values in space, 2 in the plane.

    Shapes below are those of space, with a 3 for each index; in the plane it is a 2.

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

    @cached_property
    def spaces(self) -> tuple[WeightSpace, ...]:
        """The copies of each weight that occurs, weights ascending; derived when first needed."""
        return tuple(map(self.weight_space, self.multiplicities))

    @abstractmethod
    def weight_space(self, weight: int) -> WeightSpace:
        """Return the copies of a weight that occurs."""

    @property
    def copies(self) -> tuple[tuple[int, int], ...]:
        """Every ``(weight, copy)``, weights and copies ascending."""
        return tuple(
            (weight, copy) for weight, count in self.multiplicities.items() for copy in range(count)
        )

    @property
    @abstractmethod
    def irreps(self) -> str:
        """The content, such as ``"2x0e+2x2e+1x4e"``."""

    def _space(self, weight: int, copy: int) -> tuple[WeightSpace, int]:
        weight, copy = as_integer(weight, "weight"), as_integer(copy, "copy")
        if not 0 <= copy < self.multiplicities.get(weight, 0):
            raise UnknownPartError(
                f"({weight}, {copy}) is not a part of {self.symmetry}; its parts (weight, copy) "
                "are " + ", ".join(map(str, self.copies))
            )
        return self.weight_space(weight), copy

    def embedding(self, weight: int, copy: int = 0) -> Embedding:
        """Return the operator that takes a natural tensor to a tensor of the class.

        Raises:
            UnknownPartError: when the class has no such part; the message lists those it has.
        """
        space, copy = self._space(weight, copy)
        return space.embedding(self.symmetry.letters, copy, self.basis)

    def extraction(self, weight: int, copy: int = 0) -> Extraction:
        """Return the operator that takes a tensor to one of its natural tensors.

        It annihilates whatever violates the index symmetry. Extraction after embedding is the
        identity on natural tensors.

        Raises:
            UnknownPartError: when the class has no such part; the message lists those it has.
        """
        space, copy = self._space(weight, copy)
        return space.extraction(self.symmetry.letters, copy, self.basis)

    # --- formulas -----------------------------------------------------------------------------

    def formula(self) -> str:
        """Return the reconstruction and every extraction as lines of Unicode text."""
        return "\n".join(f"{left} = {right}" for left, right in self._equations(TEXT))

    def latex(self) -> str:
        """Return the reconstruction and every extraction as one LaTeX ``aligned`` block.

        An equation wider than a page goes on in further lines.
        """
        lines = [latex_lines(f"{left} &= {right}") for left, right in self._equations(LATEX)]
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

        last = self.components.axes - 1
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
            total += (
                sympy.Sum(kernel * part, *((x, 0, last) for x in free)) if free else kernel * part
            )
            whole = tensor[tuple(letters)] if letters else sympy.Symbol("T")
            kernel = extraction.to_sympy()
            result[part] = (
                sympy.Sum(kernel * whole, *((x, 0, last) for x in letters)) if letters else whole
            )
        return {(tensor[tuple(letters)] if letters else sympy.Symbol("T")): total, **result}

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
