"""The command ``predict``: tensors of structures, printed or written."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.text import Text

from natural_tensors.files import saving
from natural_tensors.files.saving import FileError
from natural_tensors.terminal import examples_of, none_or_one_of, one_of, say, say_table, warn

from ..cpp.files import Precision
from ..prediction import formats
from ..prediction.inputs import read
from ..prediction.predictor import Predictor, load
from ..prediction.progress import progress_bar
from ..prediction.result import Failure, Prediction
from ..prediction.text import meaning
from ..structures.geometry import Geometry
from ..structures.symmetry import FRAMES, FrameName
from .app import app, check_extras
from .interruption import EXIT_CODE, interruptible
from .options import (
    PROGRESS_FROM,
    BatchOption,
    ModelOption,
    PrecisionOption,
    StructuresArgument,
    TargetOption,
)
from .relaxing import DEFAULT, build_for_next_time, results_of

if TYPE_CHECKING:  # it loads ASE
    from ..relaxation.relaxing import Relaxation

FORMATS = ("text", "json", "csv", "extxyz")
SUFFIXES = {".json": "json", ".csv": "csv", ".extxyz": "extxyz", ".xyz": "extxyz"}


SAVE_EVERY = 30.0
"""Seconds of work after which --output is written again, so that a kill loses no more."""

SHARE_OF_SAVING = 0.05
"""Largest share of the time that writing it may take."""

TABLE_FROM = 4
"""As many results are a table instead of a text for each."""

WARNED = 20
"""Most structures of a table whose warnings are printed below it."""


@app.command(
    "predict",
    epilog=examples_of(
        "carnet",
        "predict si.cif",
        "predict POSCAR --precision double",
        "predict structures/ -o predictions.json",
        "predict relaxed.extxyz --format csv",
        "predict si.cif --model runs/mine/model",
        "predict quartz.cif --frame canonical",
        "predict quartz.cif --relax",
    ),
)
def predict(
    paths: StructuresArgument,
    model: ModelOption = "elastic",
    target: TargetOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the results: .json, .csv, .extxyz."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            callback=none_or_one_of(FORMATS),
            help=f"{', '.join(FORMATS)}: what to print, or to write into --output.",
        ),
    ] = None,
    frame: Annotated[
        str,
        typer.Option(
            "--frame",
            metavar="FRAME",
            callback=one_of(FRAMES),
            help="structure: the axes of its lattice vectors; canonical: axes that do not depend "
            "on how the lattice is described; ieee: those of pymatgen.",
        ),
    ] = "structure",
    batch: BatchOption = None,
    precision: PrecisionOption = "single",
    full: Annotated[
        bool, typer.Option("--full", help="Print every result in full, never a table.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only; goes with --output.")
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Predict also what is no crystal: molecules in a box, boxes of gas."
        ),
    ] = False,
    relaxed: Annotated[
        bool,
        typer.Option("--relax", help="Relax cell and atoms first, and predict what comes of it."),
    ] = False,
    relax_model: Annotated[
        str,
        typer.Option(
            "--relax-model",
            metavar="NAME",
            help="With --relax: the potential; weights of ours, or any calculator of ASE by name.",
        ),
    ] = DEFAULT,
) -> None:
    """Predict the tensors of structures, each with the frame it is in.

    A file that cannot be predicted costs none of the others: it becomes an error in its place.
    What was predicted is kept when the command is interrupted, and --output is written every half
    minute. The exit code is 0 when at least one structure was predicted, 1 when none was, 130
    after an interruption.
    """
    written = _format_of(output, form)
    if relax_model != DEFAULT and not relaxed:
        raise typer.BadParameter("--relax-model goes with --relax")
    check_extras()
    if output is not None:
        saving.remove_leftovers(Path(output).resolve().parent, Path(output).name)
    predictor = load(model, target=target, precision=cast(Precision, precision))
    entries = list(read(paths))
    relaxer = None
    if relaxed:
        relaxer = _Relaxer(relax_model, not quiet)
    results: list[Prediction | Failure] = [Failure.unreached(entry) for entry in entries]

    def save() -> None:
        if output is not None:
            text = _as_text(results, predictor, written)
            saving.write_bytes(output, text.encode(errors="backslashreplace"))

    interrupted = False
    shown = sys.stderr.isatty() and not quiet and len(entries) >= PROGRESS_FROM
    next_save = time.monotonic() + SAVE_EVERY
    try:
        with interruptible():
            if relaxer is not None:
                entries = relaxer.at_rest(entries)
            with progress_bar(len(entries), shown) as advance:
                for place, result in predictor.predict_each(
                    entries, frame=cast(FrameName, frame), batch=batch, anyway=anyway
                ):
                    results[place] = result if relaxer is None else relaxer.noted(place, result)
                    advance(1)
                    if (begun := time.monotonic()) >= next_save:
                        save()
                        took = time.monotonic() - begun
                        next_save = begun + max(SAVE_EVERY, took / SHARE_OF_SAVING)
    except KeyboardInterrupt:
        interrupted = True
    save()
    if output is None and written != "text":
        print(_as_text(results, predictor, written).rstrip("\n"))
    elif not quiet:
        _show(results, predictor, full)
    if not interrupted:
        build_for_next_time(predictor, model)
        if relaxer is not None:
            build_for_next_time(relaxer.calculator, relax_model)
    _say_end(results, output, quiet, interrupted)


class _Relaxer:
    """Relaxes structures before they are predicted, and notes so with the predictions."""

    def __init__(self, model: str, shown: bool) -> None:
        from ..calculators.named import calculator_named

        self.model, self.calculator = model, calculator_named(model)
        self.shown = shown
        self.done: dict[int, Relaxation] = {}

    def at_rest(self, entries: Sequence[Geometry | Failure]) -> list[Geometry | Failure]:
        """Return the structures as they come to rest, or why one cannot be relaxed."""
        from ..relaxation.relaxing import relax

        def compute(_: int, entry: Geometry, tell: Callable[[Any], None]) -> Relaxation:
            return relax(self.calculator, entry, tell=tell)

        results, interrupted = results_of(entries, compute, shown=self.shown)
        if interrupted:
            raise KeyboardInterrupt
        self.done = {n: one for n, one in enumerate(results) if not isinstance(one, Failure)}
        return [one if isinstance(one, Failure) else one.structure for one in results]

    def noted(self, place: int, result: Prediction | Failure) -> Prediction | Failure:
        """Return a prediction with a note of the relaxation."""
        from ..relaxation.noting import noted

        rest = self.done.get(place)
        return result if rest is None else noted(result, rest, self.model)


def _say_end(
    results: Sequence[Prediction | Failure], output: str | None, quiet: bool, interrupted: bool
) -> None:
    """Say what failed and how many did not, and leave with the exit code that says so."""
    failures = [result for result in results if isinstance(result, Failure)]
    count = len(results) - len(failures)
    for failure in failures:
        if not (interrupted and failure.is_unreached):
            warn("error", str(failure), "bold red")
    if output is not None and not quiet:
        say("", f"{count} of {len(results)} structures predicted, written to {output}")
    if interrupted:
        kept = f"all of them are in {output}" if output is not None else "they are printed above"
        warn(
            "error",
            f"interrupted after {count} of {len(results)} structures were predicted\n{kept}",
            "bold red",
        )
        raise typer.Exit(EXIT_CODE)
    if not count:
        raise typer.Exit(1)


def _format_of(output: str | None, form: str | None) -> str:
    """Return the format asked for; an output that cannot be written is refused early."""
    if output is not None and not Path(output).resolve().parent.is_dir():
        raise FileError(
            f"{output}: there is no directory {Path(output).resolve().parent}\ncreate it first"
        )
    if output is None or form is not None:
        return form or "text"
    saving.check_suffix(output, tuple(SUFFIXES))
    return SUFFIXES[Path(output).suffix.lower()]


def _as_text(results: Sequence[Prediction | Failure], predictor: Predictor, form: str) -> str:
    if form == "json":
        return saving.to_json(formats.as_document(results, predictor)) + "\n"
    if form == "csv":
        return formats.as_csv(results, predictor)
    if form == "extxyz":
        return formats.as_extxyz(results, predictor)
    return "\n\n".join(map(str, results)) + "\n"


def _show(results: Sequence[Prediction | Failure], predictor: Predictor, full: bool) -> None:
    """Print results for people: a text for each of a few, a table of many."""
    predictions = [result for result in results if isinstance(result, Prediction)]
    if full or len(results) < TABLE_FROM or predictor.target.key != "elastic":
        for number, result in enumerate(predictions):
            title = result.formula if result.name == result.formula else result.name
            name = Text.assemble((title, "bold"), f", formula {result.formula}")
            say(*([""] * (number > 0)), name, "", *result.lines())
        return
    heads = ("name", "formula", ">K [GPa]", ">G [GPa]", ">E [GPa]", ">ν", ">A", "stable", "remarks")
    say_table(heads, [_table_row(result) for result in results])
    say("", "K, G, E, ν: Hill averages; A: universal anisotropy")
    if predictions and predictions[0].uncertainty:
        say(f"±: {meaning(predictions[0].uncertainty, predictions[0].reference)}")
    say("--full prints every stiffness, -o FILE writes them (.json, .csv, .extxyz)")
    doubtful = [result for result in predictions if result.warnings]
    for result in doubtful[:WARNED]:
        for warning in result.warnings:
            warn("warning", f"{result.name}: {warning}", "bold yellow")
    if len(doubtful) > WARNED:
        more = f"{len(doubtful) - WARNED} more structures have warnings; -o FILE writes all"
        warn("warning", more, "bold yellow")


def _table_row(result: Prediction | Failure) -> tuple[str, ...]:
    if isinstance(result, Failure):
        return (result.name, "", "", "", "", "", "", "", f"error: {result.reason}")
    moduli = result.moduli
    assert moduli is not None
    cells = []
    for name in ("bulk", "shear", "youngs"):
        spread = result.uncertainty.get(name)
        interval = "" if spread is None else f" ± {spread:.1f}"
        cells.append(f"{float(getattr(moduli, f'{name}_hill')):.1f}{interval}")
    remarks = [f"known: {result.known}"] if result.known else []
    if result.relaxation is not None and result.relaxation["volume_change"] is not None:
        remarks.append(f"relaxed, volume {100 * result.relaxation['volume_change']:+.1f} %")
    if result.warnings:
        remarks.append(
            "warning" if len(result.warnings) == 1 else f"{len(result.warnings)} warnings"
        )
    return (
        result.name,
        result.formula,
        *cells,
        f"{float(moduli.poisson_hill):.3f}",
        f"{float(moduli.universal_anisotropy):.2f}",
        "NO" if not result.stable else "?" if result.doubtful else "yes",
        ", ".join(remarks),
    )
