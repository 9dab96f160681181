"""Voigt and Mandel forms of bare arrays."""

from __future__ import annotations

from .. import arrays
from ..arrays import Array, TensorLike
from ..exact.symbols import expressions, is_exact
from .application import Invalid
from .base import ReductionBase
from .components import FORMS, Form
from .reductions import reduction
from .symmetry import IndexSymmetry

MATRIX_FORMS = FORMS[2:]

BY_FORM = {(6, 6): "ijkl=jikl=ijlk", (3, 6): "ijk=ikj", (6,): "ij=ji"}
BY_RANK = {4: "ijkl=jikl=ijlk", 3: "ijk=ikj", 2: "ij=ji"}


def to_voigt(
    tensor: TensorLike,
    *,
    form: Form = "voigt",
    symmetry: str | IndexSymmetry | None = None,
    invalid: Invalid = "raise",
    exact: bool = False,
) -> Array:
    """Return the Voigt or Mandel form of full tensors (rule 4).

    Args:
        tensor: shape ``batch + (3,)*rank``.
        form: ``"voigt"`` (no factors), ``"voigt-compliance"`` or ``"mandel"``.
        symmetry: index symmetry or name of the class. When omitted, the trailing axes of
            length 3, four at most, are taken for the tensor: rank 4 with both pairs
            symmetric gives 6x6, rank 3 symmetric in its last pair 3x6, rank 2 symmetric 6.
        invalid: as in :meth:`Reduction.decompose`.
        exact: True keeps plain integers exact too, as SymPy.

    Raises:
        SymmetryError: when the pairs are not symmetric.
        ValueError: when the shape fits no rule.
    """
    _check_form(form)
    array = _as_array(tensor, exact)
    if symmetry is None:
        rank = 0
        while rank < min(array.ndim, 4) and array.shape[array.ndim - 1 - rank] == 3:
            rank += 1
        if rank < 2:
            raise ValueError(
                f"shape {tuple(array.shape)} does not end in (3, 3); give symmetry=..."
            )
        symmetry = BY_RANK[rank]
    return reduction(symmetry).convert(
        array, source="full", target=form, invalid=invalid, exact=exact
    )


def from_voigt(
    matrix: TensorLike,
    *,
    form: Form = "voigt",
    symmetry: str | IndexSymmetry | None = None,
    invalid: Invalid = "raise",
    exact: bool = False,
) -> Array:
    """Return full tensors, ``batch + (3,)*rank``, from their Voigt or Mandel form (rule 4).

    Args:
        matrix: shape ``batch + (6, 6)``, ``batch + (3, 6)``, ``(6,)``, or what ``symmetry`` says.
        form: ``"voigt"`` (no factors), ``"voigt-compliance"`` or ``"mandel"``.
        symmetry: index symmetry or name of the class; when omitted 6x6 is rank 4, 3x6 rank 3 and a
            6-vector rank 2. A batch of 6-vectors needs it.
        invalid: as in :meth:`Reduction.decompose`.
        exact: as above.
    """
    _check_form(form)
    array = _as_array(matrix, exact)
    if symmetry is None:
        symmetry = BY_FORM.get(tuple(array.shape[-2:]))
        if symmetry is None:
            raise ValueError(
                f"shape {tuple(array.shape)} does not end in (6, 6) or (3, 6) and is not (6,); "
                "give symmetry=..., such as 'ij=ji' for a batch of 6-vectors"
            )
    return reduction(symmetry).convert(
        array, source=form, target="full", invalid=invalid, exact=exact
    )


def _as_array(values: TensorLike, exact: bool) -> Array:
    return expressions(values) if exact or is_exact(values) else arrays.as_floating(values)


def _check_form(form: str) -> None:
    if form not in MATRIX_FORMS:
        known = ", ".join(map(repr, MATRIX_FORMS))
        raise ValueError(f"form {form!r} is not one of {known}; Reduction.convert has the others")


def written_form(target: ReductionBase) -> Form:
    """Return the form in which tables print a tensor of a class, with its factors of 2.

    A matrix of joined pairs from rank 3 on; all Cartesian components otherwise.
    """
    if target.rank < 3 or not target.components.pairs:
        return "full"
    return target.voigt_form or "voigt"
