"""The command ``relax``: structures brought to rest under a potential, and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from natural_tensors.files import saving
from natural_tensors.files.saving import FileError
from natural_tensors.terminal import examples_of, none_or_one_of, say, say_table, warn

from ..prediction.inputs import read
from ..prediction.result import Failure
from ..relaxation.formats import ENDINGS, FOR_ALL, FORMATS, format_of
from ..structures.geometry import Geometry
from .app import app, check_extras
from .interruption import EXIT_CODE
from .options import ModelOption, StructuresArgument
from .relaxing import (
    DEFAULT,
    CalculatorOption,
    ForceOption,
    Stopped,
    build_for_next_time,
    name_of_calculator,
    results_of,
    say_failures,
    title_of,
)

if TYPE_CHECKING:  # it loads ASE
    from ..relaxation.relaxing import Relaxation

TABLE_FROM = 4
"""As many results are a table instead of a text for each."""

SAVE_EVERY = 5.0
"""Seconds after which a file of several structures is written again."""


@app.command(
    "relax",
    epilog=examples_of(
        "carnet",
        "relax si.cif",
        "relax POSCAR -o CONTCAR --pressure 5",
        "relax structures/ -o relaxed/",
        "relax si.cif --calculator mace --trajectory si.extxyz",
        "relax slab.extxyz -o relaxed.extxyz --fixed-cell",
    ),
)
def relax(
    paths: StructuresArgument,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file (.cif, .vasp, .extxyz, .json) or a folder; NAME-relaxed.cif if none.",
        ),
    ] = None,
    model: ModelOption = DEFAULT,
    calculator: CalculatorOption = None,
    fixed_cell: Annotated[
        bool, typer.Option("--fixed-cell", help="Leave the lattice vectors as they are.")
    ] = False,
    pressure: Annotated[
        float, typer.Option("--pressure", metavar="P", help="Hydrostatic pressure, GPa.")
    ] = 0.0,
    force: ForceOption = 0.005,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, help="Most steps for each structure.")
    ] = 1000,
    symmetry: Annotated[
        bool, typer.Option("--symmetry/--no-symmetry", help="Keep the space group of the start.")
    ] = True,
    trajectory: Annotated[
        str | None,
        typer.Option(
            "--trajectory", metavar="FILE", help="Write every step: extended XYZ, .extxyz."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            callback=none_or_one_of(FORMATS),
            help=f"{', '.join(FORMATS)}: of the files in a folder, or of --output.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Leave out what its file in the folder says is at rest, from the same start and "
            "under the same potential and pressure.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Relax the atoms and the cell of structures, symmetry kept, and write where they come to rest.

    A structure that does not come to rest is written too, and says so: in a comment of its file, or
    in the keys of its frame. Each is written as it is done. Run again, the command does all of them
    again, or with --resume only those that a folder does not hold at rest. The exit code is 0 when
    all came to rest, 1 otherwise, 130 after an interruption.
    """
    check_extras()
    chosen = name_of_calculator(model, calculator)
    from ..calculators.named import calculator_named
    from ..relaxation import files
    from ..relaxation.relaxing import InterruptedRelaxation, Step
    from ..relaxation.relaxing import relax as relaxation_of

    if trajectory is not None:
        saving.check_suffix(trajectory, (".extxyz", ".xyz"))
    entries = list(read(paths))
    written = _Output(entries, output, form, chosen)
    if resume and written.file is not None:
        raise typer.BadParameter("--resume goes with a folder as --output: leave one out")
    if trajectory is not None:
        saving.write_bytes(trajectory, b"")
    engine = calculator_named(chosen)
    there = [resume and written.holds_at_rest(place, pressure) for place in range(len(entries))]
    todo = [place for place, done in enumerate(there) if not done]

    def compute(number: int, entry: Geometry, show: Callable[[Any], None]) -> Relaxation:
        def tell(step: Step) -> None:
            show(step)
            if trajectory is not None:
                files.append_step(trajectory, entry.name or entry.formula, step)

        try:
            result = relaxation_of(
                engine,
                entry,
                cell=not fixed_cell,
                force=force,
                steps=steps,
                pressure=pressure,
                symmetry=symmetry,
                tell=tell,
            )
        except InterruptedRelaxation as stop:
            written.add(todo[number], stop.relaxation)
            raise Stopped(stop.relaxation) from stop
        written.add(todo[number], result)
        return result

    results, interrupted = results_of(
        [entries[place] for place in todo],
        compute,
        shown=not quiet,
        save=written.write_all,
        every=SAVE_EVERY,
    )
    if as_json:
        print(files.as_text(results, "json", chosen).rstrip("\n"))
    elif not quiet:
        _show(results, chosen, [written.paths.get(place) for place in todo], written)
        if left := sum(there):
            say(f"{left} of {len(entries)} are at rest in {written.folder} already")
    if not interrupted:
        build_for_next_time(engine, chosen)
    _end(results, interrupted)


class _Output:
    """Where relaxed structures go: a file, the files of a folder, or beside each other here."""

    def __init__(
        self,
        entries: Sequence[Geometry | Failure],
        output: str | None,
        form: str | None,
        calculator: str,
    ) -> None:
        from ..relaxation.files import names_of_files

        self.calculator = calculator
        suffixed = None if output is None else format_of(output)
        self.file = output if suffixed is not None else None
        self.form = form or suffixed or "cif"
        self.folder = Path(output or ".")
        if self.file is not None and not Path(self.file).resolve().parent.is_dir():
            raise FileError(
                f"{output}: there is no directory {Path(self.file).resolve().parent}\n"
                "create it first"
            )
        if self.file is not None and self.form == "poscar" and len(entries) != 1:
            raise FileError(
                f"{output}: a POSCAR holds one structure, and there are {len(entries)}\n"
                "name a folder, or .extxyz"
            )
        if self.file is None:
            saving.make_folder(self.folder)
        self.entries = entries
        saving.remove_leftovers(self.folder if self.file is None else Path(self.file).parent)
        ending = "" if output is not None else "-relaxed"
        self.names = names_of_files([each.name for each in entries], ending)
        self.paths: dict[int, str] = {}

    def holds_at_rest(self, place: int, pressure: float) -> bool:
        """Say whether the folder holds a structure at rest under this calculator and pressure."""
        from ..relaxation.files import is_at_rest

        forms = filter(None, (self.form, FOR_ALL.get(self.form)))
        start = self.entries[place]
        if isinstance(start, Failure):
            return False
        paths = [self._path(place, form) for form in forms]
        return any(is_at_rest(path, start, self.calculator, pressure) for path in paths)

    def add(self, place: int, result: Relaxation) -> None:
        """Write a structure into a file of its own, unless they share one."""
        from ..relaxation.files import as_text

        if self.file is not None:
            self.paths[place] = self.file
            return
        form = self.form if all(result.structure.periodic) else FOR_ALL.get(self.form)
        form = form or self.form
        path = self._path(place, form)
        saving.write_bytes(str(path), as_text([result], form, self.calculator).encode())
        self.paths[place] = str(path)

    def write_all(self, results: Sequence[Relaxation | Failure]) -> None:
        """Write the file that structures share, if there is one."""
        from ..relaxation.files import as_text

        if self.file is not None and self.paths:
            saving.write_bytes(self.file, as_text(results, self.form, self.calculator).encode())

    def _path(self, place: int, form: str) -> Path:
        return self.folder / f"{self.names[place]}{ENDINGS[form]}"


def _show(
    results: Sequence[Relaxation | Failure],
    calculator: str,
    paths: Sequence[str | None],
    written: _Output,
) -> None:
    """Print relaxations for people: a text for each of a few, a table of many."""
    done = [(place, each) for place, each in enumerate(results) if not isinstance(each, Failure)]
    if len(results) >= TABLE_FROM:
        heads = ("name", "formula", "at rest", ">steps", ">force [eV/Å]", ">stress [GPa]",
                 ">volume [%]", ">energy [eV/atom]", "symmetry", "remarks")  # fmt: skip
        say_table(heads, [_table_row(each) for each in results])
        where = written.file or str(written.folder)
        say("", f"by {calculator}; volume and energy: their change")
        count = len(written.paths)
        say(f"{count} structures are in {where}" if count > 1 else f"1 structure is in {where}")
    else:
        for number, (place, each) in enumerate(done):
            title = title_of(each.name, each.structure.formula, calculator)
            say(*([""] * (number > 0)), title, *each.lines())
            if path := paths[place]:
                say(f"written to {path}")
    for _, each in done:
        for warning in each.warnings:
            warn("warning", f"{each.name}: {warning}", "bold yellow")


def _table_row(result: Relaxation | Failure) -> tuple[str, ...]:
    if isinstance(result, Failure):
        return (result.name, "", "", "", "", "", "", "", "", f"error: {result.reason}")
    stress, change = result.residual_stress, result.volume_change
    return (
        result.name,
        result.structure.formula,
        "yes" if result.converged else "NO",
        str(result.steps),
        f"{result.largest_force:.4f}",
        "" if stress is None else f"{stress:.3f}",
        "" if change is None else f"{100 * change:+.2f}",
        f"{result.energy_change:+.4f}",
        result.symmetry,
        {0: "", 1: "warning"}.get(len(result.warnings), f"{len(result.warnings)} warnings"),
    )


def _end(results: Sequence[Relaxation | Failure], interrupted: bool) -> None:
    """Say what failed, and leave with the exit code that says so."""
    say_failures(results, interrupted)
    for result in results:
        if not isinstance(result, Failure) and not result.converged:
            warn("error", f"{result.name}: it did not come to rest: {result.reason}", "bold red")
    rest = [each for each in results if not isinstance(each, Failure) and each.converged]
    if interrupted:
        warn("error", f"interrupted: {len(rest)} of {len(results)} came to rest", "bold red")
        raise typer.Exit(EXIT_CODE)
    if len(rest) < len(results):
        raise typer.Exit(1)
