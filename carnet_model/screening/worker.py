"""What a worker does with a piece: parse, predict, write a part."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import cast

from natural_tensors import limits

from ..cpp.files import Precision
from ..prediction.predictor import load
from ..prediction.result import Failure, Prediction
from ..structures.geometry import Geometry, structure_hash
from ..structures.symmetry import FrameName
from . import tables
from .folder import Results
from .parsing import name_of, structures
from .pieces import Piece
from .settings import Outcome, Settings

CRASHED = Failure(
    "",
    "the process that computes ended without a word, twice, and each time that it held this",
    "it may need more memory than there is, or meet an error of a library; the other structures "
    "are not affected",
)
"""What a structure becomes that no worker survives."""


class Worker:
    """A model that is loaded, and what it does with pieces.

    Args:
        settings: of the screening.

    Raises:
        ModelError: when there is no such model.
    """

    def __init__(self, settings: Settings) -> None:
        # workers share the processor, and one thread rounds one way
        limits.change({**settings.limits, "threads": 1})
        if not settings.program:
            import torch

            torch.set_num_threads(1)
        self.settings = settings
        self.predictor = load(
            settings.model,
            target=settings.target,
            precision=cast(Precision, settings.precision),
            # what is decided for all: the one rounds otherwise than the other
            program="always" if settings.program else "never",
        )
        self.predictor.compile("auto" if settings.compiled else "never")
        self.results = Results(Path(settings.folder))
        self.schema = tables.schema(self.predictor)

    def __call__(
        self, piece: Piece, without: Set[int] = frozenset(), *, write: bool = True
    ) -> Outcome:
        """Compute a piece and write its part.

        Args:
            piece: the piece.
            without: places of documents that are failures unseen.
            write: False to see only whether it can be computed.

        Raises:
            FileError: when the part cannot be written.
        """
        entries: list[Geometry | Failure] = []
        crashed = []
        for place, document in enumerate(piece.documents):
            if place in without:
                crashed.append(name_of(document))
                entries.append(Failure(crashed[-1], CRASHED.reason, CRASHED.remedy))
            else:
                entries.extend(structures(document))
        results: list[Prediction | Failure | None] = [None] * len(entries)
        for place, found in self.predictor.predict_each(
            entries, frame=cast(FrameName, self.settings.frame), anyway=self.settings.anyway
        ):
            results[place] = found
        rows, failures = [], []
        for entry, result in zip(entries, results, strict=True):
            if isinstance(result, Prediction) and isinstance(entry, Geometry):
                rows.append(tables.row(result, entry.name, structure_hash(entry)))
            elif isinstance(result, Failure):
                failures.append(result)
        if write:
            self.results.commit(
                piece.part,
                tables.as_predictions(rows, self.schema),
                tables.as_failures(failures, self.schema) if failures else None,
            )
        return Outcome(len(piece), len(rows), len(failures), tuple(crashed))
