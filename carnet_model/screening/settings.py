"""What a screening is told, and what comes of a piece: passed between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.arrays import Json

from .pieces import PART


@dataclass(frozen=True)
class Settings:
    """What decides the numbers of a screening, the inputs apart; and where they go.

    Attributes:
        folder: of the results.
        model: as in `load`.
        sha256: of the weights.
        target: key of the tensor; the first of the model when None.
        precision: ``"single"`` or ``"double"``.
        frame: axes of the tensors.
        anyway: predict also what is no crystal.
        program: whether the C++ program of the model computes, or PyTorch.
        compiled: whether kernels are compiled, where that is possible.
        part: most documents of a part.
        limits: those that hold, by name.
    """

    folder: str
    model: str
    sha256: str = ""
    target: str | None = None
    precision: str = "single"
    frame: str = "structure"
    anyway: bool = False
    program: bool = False
    compiled: bool = False
    part: int = PART
    limits: Mapping[str, int] = field(default_factory=dict)

    def options(self) -> dict[str, Json]:
        """Return what the manifest says, and what has to be the same in a run that goes on."""
        named = asdict(self)
        for here in ("folder", "compiled"):
            del named[here]
        return {"natural_tensors": __version__, "conventions": CONVENTIONS, **named}


class Outcome(NamedTuple):
    """What became of a piece.

    Attributes:
        documents: how many it has.
        predicted: structures with a prediction.
        failed: structures without.
        crashed: ids of documents that no worker survived.
    """

    documents: int
    predicted: int
    failed: int
    crashed: tuple[str, ...] = ()
