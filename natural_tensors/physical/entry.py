"""One entry of the catalogue: what a physical tensor is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhysicalTensor:
    """One physical tensor: its index symmetry, its behaviour under inversion and time reversal.

    The module docstring states the syntax of `symmetry`, `jahn` and `unit` and the meaning of
    `axial` and `time_reversal`.

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
