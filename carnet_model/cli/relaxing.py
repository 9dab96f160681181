"""What commands that relax structures share: their options, and progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, TypeVar

import typer
from rich.text import Text

from natural_tensors.errors import InputError
from natural_tensors.files.saving import FileError
from natural_tensors.formatting import visible
from natural_tensors.terminal import warn

from ..inference import background
from ..prediction.result import Failure
from ..structures.geometry import Geometry
from ..weights.shipped import checkpoint_of
from .interruption import EXIT_CODE, interruptible

Result = TypeVar("Result")

CrystalsArgument = Annotated[
    list[str], typer.Argument(metavar="FILES...", help="Crystals: CIF, POSCAR, JSON, ...")
]
CalculatorOption = Annotated[
    str | None,
    typer.Option(
        "--calculator",
        metavar="NAME",
        help="Any calculator of ASE in place of --model: mace, chgnet, ..., an entry point, "
        "module:object, ENV/bin/python module:object in another environment.",
    ),
]
ForceOption = Annotated[
    float, typer.Option("--force", metavar="F", min=1e-6, help="Largest force left, eV/Å.")
]

DEFAULT = "universal"
"""Weights of the potential that relaxes unless another is named."""

SAVE_EVERY = 30.0
"""Seconds after which a file of results is written again, so that a kill loses no more."""


def name_of_calculator(model: str, calculator: str | None) -> str:
    """Return the one potential that two options name.

    Raises:
        BadParameter: when both do.
    """
    if calculator is not None and model != DEFAULT:
        raise typer.BadParameter("--model and --calculator both name a potential: leave one out")
    return calculator or model


def title_of(name: str, formula: str, model: str) -> Text:
    """Return the line above what a potential says of a structure; a formula is not said twice."""
    return Text.assemble(
        (name, "bold"), *([] if name == formula else [f", {formula}"]), f", {model}"
    )


def build_for_next_time(calculator: Any, name: str) -> None:
    """Build the C++ program of weights of ours in the background, unless it was there already."""
    folder, networks = checkpoint_of(name), getattr(calculator, "networks", None)
    if folder is not None and networks is not None and not networks.by_program:
        background.start(folder, networks.precision)


class Stopped(KeyboardInterrupt):
    """An interruption of a computation that has a result all the same.

    Attributes:
        result: it.
    """

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def results_of(
    entries: Sequence[Geometry | Failure],
    compute: Callable[[int, Geometry, Callable[[Any], None]], Result],
    *,
    shown: bool,
    save: Callable[[Sequence[Result | Failure]], None] | None = None,
    every: float = SAVE_EVERY,
) -> tuple[list[Result | Failure], bool]:
    """Return what is computed for structures, and whether it was interrupted.

    What goes wrong with one costs none of the others. An interruption costs only those that are
    not done: they are `Failure.unreached`.

    Args:
        entries: what `prediction.inputs.read` yields.
        compute: is given the place of a structure, the structure, and what is told of every step
            of its relaxations, or where it is in words.
        shown: show progress on a terminal.
        save: is given the results, those that are not reached yet too, as it goes and at the end.
        every: seconds between two calls of it.
    """
    results: list[Result | Failure] = [Failure.unreached(entry) for entry in entries]
    interrupted, place, next_save = False, 0, time.monotonic() + every
    try:
        with interruptible(), progress(len(entries), shown) as (tell, advance):
            for place, entry in enumerate(entries):
                if isinstance(entry, Geometry):
                    results[place] = _result(place, entry, compute, partial(tell, entry))
                advance()
                if save is not None and time.monotonic() >= next_save:
                    save(results)
                    next_save = time.monotonic() + every
    except KeyboardInterrupt as stop:
        interrupted = True
        if isinstance(stop, Stopped):
            results[place] = stop.result
    if save is not None:
        save(results)
    return results, interrupted


def _result(
    place: int,
    entry: Geometry,
    compute: Callable[[int, Geometry, Callable[[Any], None]], Result],
    tell: Callable[[Any], None],
) -> Result | Failure:
    try:
        return compute(place, entry, tell)
    except FileError:  # where results go: that is no fault of this structure
        raise
    except InputError as error:
        return Failure.of(error, entry.name or entry.formula).of_structure(entry)
    except Exception as error:  # of any calculator
        return Failure.unexpected(entry, error)


def end(results: Sequence[object], interrupted: bool, kept: str | None = None) -> None:
    """Say what failed, and leave with exit code 1 when everything did, 130 when interrupted.

    Args:
        results: of all structures.
        interrupted: whether some were not reached.
        kept: where results are; printed only when left out.
    """
    say_failures(results, interrupted)
    done = sum(not isinstance(result, Failure) for result in results)
    if interrupted:
        place = f"in {kept}" if kept is not None else "printed above"
        where = f"\nthey are {place}" if done else ""
        warn("error", f"interrupted: {done} of {len(results)} are done{where}", "bold red")
        raise typer.Exit(EXIT_CODE)
    if not done:
        raise typer.Exit(1)


def say_failures(results: Sequence[object], interrupted: bool) -> None:
    """Say what went wrong; of what an interruption left it is no news that nothing was computed."""
    for result in results:
        if isinstance(result, Failure) and not (interrupted and result.is_unreached):
            warn("error", str(result), "bold red")


@contextmanager
def progress(
    total: int, shown: bool
) -> Iterator[tuple[Callable[[Any, Any], None], Callable[[], None]]]:
    """Show on standard error which step of which structure is done, or nothing.

    Args:
        total: how many structures there are.
        shown: only then, and only on a terminal.

    Yields:
        What is told of each step of a structure (`relaxation.relaxing.Step`), or where else its
        computation is, in words; and what is called when a structure is done.
    """
    if not (shown and sys.stderr.isatty()):
        yield (lambda structure, step: None), (lambda: None)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        "relaxing",
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        volumes: dict[int, float] = {}

        def tell(structure: Any, step: Any) -> None:
            if isinstance(step, str):
                words = step
            else:
                words = f"step {step.number}, {step.force:.3f} eV/Å, {step.energy:.4f} eV"
            if not isinstance(step, str) and step.volume is not None:
                first = volumes.setdefault(id(structure), structure.volume)
                words += f", volume {100 * (step.volume / first - 1):+.1f} %"
            name = visible(structure.name or structure.formula)
            bar.update(task, description=escape(f"{name}: {words}"))

        yield tell, lambda: bar.advance(task)
