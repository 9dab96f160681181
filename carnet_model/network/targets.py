"""What a network predicts: a physical tensor, and everything that follows from its symmetry."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from natural_tensors import Reduction, catalog, reduction
from natural_tensors.errors import InputError
from natural_tensors.physical.entry import PhysicalTensor, Pooling

from .irreps import Irrep

Values = NDArray[np.float64]


class TargetError(InputError, ValueError):
    """A target that cannot be predicted as asked."""


@dataclass(frozen=True, init=False)
class Target:
    """A physical tensor to predict; what is left out follows from its name.

    >>> Target("elastic").positive, Target("dipole").pooling, Target("ij=ji").pooling
    (True, 'sum', 'mean')

    Attributes:
        tensor: a name of the catalogue, or an index symmetry such as ``"ijkl=jikl=klij"``.
        axial: True for a pseudo-tensor given by its symmetry; a name brings its own.
        pooling: ``"mean"`` over the atoms for intensive properties, ``"sum"`` for extensive ones,
            ``"atoms"`` for one tensor an atom. When left out as the catalogue has it, or the mean.
        positive: True for a tensor that is positive definite as a matrix: it is predicted as the
            exponential of a symmetric matrix (Mandel form for rank 4), which keeps equivariance
            and is smooth where eigenvalues meet. When left out as the catalogue has it, and False
            for a sum over the atoms.
        title: what labels and results call it, where a network has several targets of one name;
            the name when left out.
        unit: of labels and predictions; when left out that of the catalogue, GPa and eV in place
            of Pa and J, and empty when the target is given by its symmetry.

    Raises:
        TargetError: when ``positive`` is asked of a class that is no symmetric matrix, or of a sum
            over the atoms; for an unknown pooling.
    """

    tensor: str
    axial: bool
    pooling: Pooling
    positive: bool
    title: str
    unit: str

    def __init__(
        self,
        tensor: str,
        axial: bool = False,
        pooling: Pooling | None = None,
        positive: bool | None = None,
        title: str = "",
        unit: str = "",
    ) -> None:
        entry = catalog.get(tensor)
        pooling = pooling or (entry.pooling if entry else "mean")
        if positive is None:
            positive = entry is not None and entry.positive and pooling != "sum"
        unit = unit or (entry.working_unit if entry else "")
        values = (tensor, axial, pooling, positive, title, unit)
        for field, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, field.name, value)
        self._check()

    def _check(self) -> None:
        if self.pooling not in get_args(Pooling):
            raise TargetError(
                f"pooling is {self.pooling!r}; allowed: {', '.join(get_args(Pooling))}"
            )
        if self.positive and self.pooling == "sum":
            raise TargetError(
                f"positive=True makes {self.tensor} an exponential, which is no sum over the "
                "atoms: leave positive out, or choose pooling 'mean' or 'atoms'"
            )
        if self.positive and self.matrix_form is None:
            raise TargetError(
                f"positive=True needs a tensor that is a symmetric matrix, such as 'ij=ji' or "
                f"'ijkl=jikl=klij'; {self.symmetry} is none: leave positive out"
            )

    @cached_property
    def reduction(self) -> Reduction:
        """The exact reduction of the class."""
        return reduction(self.tensor, axial=self.axial)

    @cached_property
    def entry(self) -> PhysicalTensor | None:
        """The entry of the catalogue, for a target given by name."""
        return catalog.get(self.tensor)

    @property
    def name(self) -> str:
        """Name of the catalogue, or the index symmetry."""
        return self.entry.name if self.entry else self.tensor

    @property
    def key(self) -> str:
        """What labels and results call it: its title, or its name."""
        return self.title or self.name

    @property
    def symmetry(self) -> str:
        """Index symmetry."""
        return str(self.reduction.symmetry)

    @cached_property
    def parts(self) -> tuple[tuple[Irrep, int], ...]:
        """Irreps of the tensor and how often each occurs."""
        spaces = self.reduction.spaces
        parity = self.reduction.parity
        return tuple((Irrep.of(s.weight, parity), s.multiplicity) for s in spaces if s.multiplicity)

    @cached_property
    def scalars(self) -> NDArray[np.bool_]:
        """Which packed coordinates no rotation and no inversion changes, shape ``(dimension,)``."""
        return np.array([part == Irrep(0) for part, n in self.parts for _ in range(n * part.size)])

    @property
    def weight(self) -> int:
        """Largest weight that occurs."""
        return max(irrep.weight for irrep, _ in self.parts)

    @property
    def pseudo(self) -> bool:
        """True when the tensor holds irreps that features of natural parity never make."""
        return any(irrep.pseudo for irrep, _ in self.parts)

    @property
    def potential(self) -> bool:
        """True for an energy that is a sum over the atoms: it has forces."""
        return self.name == "energy" and self.pooling == "sum"

    @property
    def dimension(self) -> int:
        """Number of independent components, and of packed coordinates."""
        return self.reduction.dimension

    @cached_property
    def matrix_form(self) -> Literal["full", "mandel"] | None:
        """The form in which the class is a symmetric matrix; None when there is none."""
        probe = np.arange(1.0, self.dimension + 1)
        form: Literal["full", "mandel"] = "full" if self.reduction.rank == 2 else "mandel"
        try:
            matrix = self.reduction.unpack(probe, form=form)
        except ValueError:
            return None
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
        if not square or not np.allclose(matrix, matrix.T, rtol=0, atol=1e-9):
            return None
        return form

    def coordinates(self, tensors: ArrayLike) -> Values:
        """Return what the network learns: packed coordinates, of the logarithm if positive.

        Args:
            tensors: full arrays, shape ``(..., 3, ..., 3)``.

        Raises:
            TargetError: when a tensor that should be positive definite is not.
        """
        packed = np.asarray(self.reduction.pack(np.asarray(tensors, dtype=np.float64)))
        if not self.positive:
            return packed
        assert self.matrix_form is not None
        matrices = self.reduction.unpack(packed, form=self.matrix_form)
        values, vectors = np.linalg.eigh(matrices)
        if not (values > 0).all():
            raise TargetError(
                f"the logarithm of a {self.name} tensor needs positive eigenvalues; the smallest "
                f"is {values.min():.6g} {self.unit}"
            )
        logarithm = (vectors * np.log(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
        return np.asarray(self.reduction.pack(logarithm, form=self.matrix_form))


def elastic(target: Target) -> bool:
    """Say whether a target has moduli: the 21 components of a stiffness, in GPa or in no unit."""
    return target.unit in ("", "GPa") and target.matrix_form == "mandel" and target.dimension == 21


def learns_moduli(target: Target) -> bool:
    """Say whether moduli are labels of a target: those of an exponential exist for every guess."""
    return target.positive and elastic(target)
