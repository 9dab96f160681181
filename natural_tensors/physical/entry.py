"""One entry of the catalogue: what a physical tensor is, and how tables and models treat it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Pooling: TypeAlias = Literal["mean", "sum", "atoms"]

WORKING_UNITS = {"Pa": "GPa", "J": "eV"}
"""Units the field works in, where they are not those of the SI."""


@dataclass(frozen=True, slots=True)
class PhysicalTensor:
    """One physical tensor: all that is known of it by its name.

    The docstring of the module `catalog` states the syntax of `symmetry`, `jahn` and `unit` and
    the meaning of `axial` and `time_reversal`. A new tensor is one entry in the list of its field
    of physics; nothing else names it.

    >>> from natural_tensors import catalog
    >>> catalog["stiffness"].working_unit, catalog["compliance"].voigt_form
    ('GPa', 'voigt-compliance')

    Attributes:
        name: key in the catalogue: lower-case words joined by hyphens.
        title: what prose calls it.
        symbol: the field's symbol; `relation` carries it with its indices.
        symmetry: index symmetry, `"ijk=ikj"`; empty for rank 0.
        axial: True for a pseudo-tensor.
        time_reversal: +1 even, -1 odd.
        jahn: the Jahn symbol, its indices in the order of the slots.
        unit: the SI unit.
        relation: what it relates to what, with indices, and the convention chosen.
        source: where it is defined.
        aliases: other names the catalogue answers to.
        voigt_form: the form in which tables print the matrix of its joined index pairs:
            ``"voigt"`` without factors, ``"voigt-compliance"`` with a 2 for each off-diagonal
            pair; None where tables disagree, so that no one may guess. Of no meaning for a
            tensor without symmetric pairs.
        pooling: how the tensor of a structure comes from its atoms: ``"mean"`` for an intensive
            property, ``"sum"`` for one that grows with the structure, ``"atoms"`` where every
            atom has a tensor of its own.
        positive: True for a tensor whose eigenvalues are positive in every stable material, and
            which a model predicts so unless told otherwise; False claims nothing.

    Raises:
        ValueError: when `time_reversal` is neither +1 nor -1.
    """

    name: str
    title: str
    symbol: str
    symmetry: str
    axial: bool
    time_reversal: int
    jahn: str
    unit: str
    relation: str
    source: str
    aliases: tuple[str, ...] = ()
    voigt_form: Literal["voigt", "voigt-compliance"] | None = "voigt"
    pooling: Pooling = "mean"
    positive: bool = False

    def __post_init__(self) -> None:
        if self.time_reversal not in (1, -1):
            raise ValueError(
                f"time_reversal of {self.name!r} is {self.time_reversal!r}; "
                "write 1 for even or -1 for odd"
            )

    @property
    def rank(self) -> int:
        """Number of Cartesian indices."""
        return len(self.symmetry.partition("=")[0])

    @property
    def working_unit(self) -> str:
        """The unit the field works in: GPa and eV in place of Pa and J, otherwise `unit`."""
        return WORKING_UNITS.get(self.unit, self.unit)
