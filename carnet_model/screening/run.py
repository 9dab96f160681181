"""A screening from inputs to a folder of results; the same call goes on where one stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import cast

from natural_tensors import limits
from natural_tensors.arrays import Json

from ..compiled.mode import Mode
from ..cpp.files import Precision
from ..inference.programs import build_program, opened, use
from ..prediction.predictor import found
from ..weights.record import read_record
from . import engines
from .documents import InputsError, documents
from .folder import Results
from .isolation import Computes, Start
from .pieces import Piece, pieces, source_of
from .settings import Outcome, Settings

LIMITS: tuple[limits.Name, ...] = ("file", "atoms", "extent", "images", "bonds", "pairs")
"""Limits that decide which structures are predicted."""

COMPILE_FROM = 300
"""As many structures repay kernels; what they are is not known before workers begin, which all
have to compute alike."""


@dataclass(frozen=True)
class Progress:
    """How far a screening is.

    Attributes:
        total: documents of all inputs, or of the shard.
        before: those that were done when this run began.
        documents: those it has done since.
        predicted: structures it has predicted; a document may hold several.
        failed: structures it could not predict.
        seconds: since it began to compute.
        crashed: ids of documents that no worker survives, of the last piece.
    """

    total: int
    before: int
    documents: int = 0
    predicted: int = 0
    failed: int = 0
    seconds: float = 0.0
    crashed: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Structures per second of this run."""
        return (self.predicted + self.failed) / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the end, if all goes on as so far; None when there is nothing to go by."""
        if not self.documents:
            return None
        return self.seconds / self.documents * (self.total - self.before - self.documents)

    def plus(self, outcome: Outcome, seconds: float) -> Progress:
        """Return the progress after a piece."""
        return replace(
            self,
            documents=self.documents + outcome.documents,
            predicted=self.predicted + outcome.predicted,
            failed=self.failed + outcome.failed,
            seconds=seconds,
            crashed=outcome.crashed,
        )


@dataclass(frozen=True)
class Survey:
    """What the inputs hold, found without parsing them.

    Attributes:
        parts: number of documents of each part, by its name, in the order of the inputs.
        inputs: what the manifest says of each input.
    """

    parts: dict[str, int]
    inputs: dict[str, dict[str, Json]]

    @classmethod
    def of(cls, inputs: Sequence[str], folder: Path, most: int) -> Survey:
        """Look through inputs.

        Args:
            inputs: files and folders.
            folder: of the results, which is no input.
            most: documents of a part.
        """
        parts: dict[str, int] = {}
        about: dict[str, dict[str, Json]] = {}
        for place in inputs:
            found = {each.part: len(each) for each in _cut(place, folder, most)}
            parts |= found
            about[source_of(place)] = {
                "path": place, "parts": len(found), "documents": sum(found.values()),
            }  # fmt: skip
        return cls(parts, about)

    def shard(self, number: int, of: int) -> Survey:
        """Return every part whose turn it is in a shard, counted from 1."""
        return replace(self, parts=dict(list(self.parts.items())[number - 1 :: of]))


def _cut(place: str, folder: Path, most: int) -> Iterator[Piece]:
    return pieces(place, documents(place, folder.resolve()), most)


def check_inputs(inputs: Sequence[str], folder: Path) -> None:
    """Refuse inputs that do not exist, or that would be read twice.

    Raises:
        InputsError: naming it.
    """
    places = [(each, Path(each).resolve()) for each in inputs]
    for place, full in places:
        if not full.exists():
            raise InputsError(f"{place}: there is no such file or folder\ncheck the path")
        if full.is_relative_to(folder.resolve()):
            raise InputsError(f"{place}: lies in the folder of the results\nname another")
    for number, (place, full) in enumerate(places):
        for other, beside in places[:number]:
            if full.is_relative_to(beside) or beside.is_relative_to(full):
                raise InputsError(
                    f"{place}: is read by {other} too, and would be predicted twice\n"
                    "name each file once"
                )


def settings_for(
    model: str, folder: str, *, program: Mode = "auto", **options: str | int | bool | None
) -> Settings:
    """Return the settings of a screening by a model, with the limits that hold now.

    Args:
        model: as in `load`.
        folder: of the results.
        program: ``"auto"`` computes as results in the folder were, and in a new one by the C++
            program where it is built; ``"always"`` builds it now if need be; ``"never"`` takes
            PyTorch.
        options: further fields of `Settings`.

    Raises:
        ModelError: when there is no such model.
        CheckpointError: when it cannot be read.
        ProgramError: when the program is always to be taken, and cannot be built.
    """
    place = found(model)
    record = read_record(place)
    held: dict[str, int] = {name: limits.limit(name) for name in LIMITS}
    made = Settings(folder, model, sha256=str(record.get("sha256")), limits=held)
    made = replace(made, **options)  # type: ignore[arg-type]
    return replace(made, program=_by_program(place, made, program))


def _by_program(model: Path, settings: Settings, program: Mode) -> bool:
    precision = cast(Precision, settings.precision)
    if program == "always":
        build_program(model, precision)
        return True
    if program == "never":
        return False
    before = Results(Path(settings.folder)).options()
    if before is not None:
        return bool(before.get("program"))
    return use() != "never" and opened(model, precision) is not None


def screen(
    inputs: Sequence[str],
    settings: Settings,
    *,
    workers: int = 1,
    ray: str | None = None,
    shard: tuple[int, int] | None = None,
    start: Start | None = None,
) -> Generator[Progress]:
    """Screen inputs into a folder; yield how far it is, first of all and after each part.

    What is done already is not computed again. Results do not depend on the number of workers, on
    the engine, or on what was killed on the way.

    Args:
        inputs: files and folders.
        settings: model, options, folder.
        workers: processes; 0 computes in this one.
        ray: address of a cluster of Ray, or ``"local"``, whose actors the workers are.
        shard: which share of the parts, counted from 1, and of how many; all when None.
        start: makes a worker; of the class `Worker` when None.

    Raises:
        InputsError: when an input does not exist, is named twice or changes meanwhile.
        ResultsError: when the folder holds other results, or another run writes into it.
        WorkerError, FileError: when the workers, or the disk, give out.
    """
    results = Results(Path(settings.folder))
    check_inputs(inputs, results.place)
    results.prepare(settings.options())
    with results.claimed(shard):
        survey = Survey.of(inputs, results.place, settings.part)
        results.note_inputs(survey.inputs)
        _remove_changed(results, survey)
        settings = replace(settings, compiled=sum(survey.parts.values()) >= COMPILE_FROM)
        mine = survey if shard is None else survey.shard(*shard)
        done = results.done()
        todo = {part for part in mine.parts if part not in done}
        total = sum(mine.parts.values())
        progress = Progress(total, total - sum(mine.parts[part] for part in todo))
        yield progress
        if not todo:
            return
        cuts = [
            partial(_wanted, each, results.place, settings.part, set(survey.parts), todo)
            for each in inputs
        ]
        began = time.monotonic()
        outcomes = _outcomes(cuts, workers, ray, start or _worker, settings)
        with closing(outcomes):
            for outcome in outcomes:
                progress = progress.plus(outcome, time.monotonic() - began)
                yield progress
        _remove_changed(results, survey)  # a worker of a run that was killed may have lived on


def _remove_changed(results: Results, survey: Survey) -> None:
    for source in survey.inputs:
        results.remove_others(source, set(survey.parts))


def _wanted(
    place: str, folder: Path, most: int, known: Set[str], todo: Set[str]
) -> Iterator[Piece]:
    """Yield the pieces of an input that are to be done."""
    for piece in _cut(place, folder, most):
        if piece.part not in known:
            raise InputsError(
                f"{piece.documents[0].origin}: has changed since this run began\n"
                "run it again when nobody writes to it"
            )
        if piece.part in todo:
            yield piece


def _outcomes(
    cuts: Sequence[Callable[[], Iterator[Piece]]],
    workers: int,
    ray: str | None,
    start: Start,
    settings: Settings,
) -> Generator[Outcome]:
    if ray is not None:
        from .cluster import on_ray

        return on_ray(cuts, ray, max(workers, 1), start, settings)
    pieces = chain.from_iterable(cut() for cut in cuts)
    if workers:
        return engines.on_this_machine(pieces, workers, start, settings)
    return engines.in_this_process(pieces, start, settings)


def _worker(settings: Settings) -> Computes:
    from .worker import Worker  # it loads the libraries of tables, as workers alone must

    return Worker(settings)
