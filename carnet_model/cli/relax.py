"""The command ``relax``: structures brought to rest under a potential, and written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from natural_tensors.files import saving
from natural_tensors.files.saving import FileError
from natural_tensors.terminal import examples_of, none_or_one_of, say, say_table, warn

from ..prediction.inputs import read
from ..prediction.result import Failure
from ..structures.geometry import Geometry
from .app import app, check_extras
from .interruption import EXIT_CODE, interruptible
from .options import ModelOption, StructuresArgument
from .relaxing import DEFAULT, CalculatorOption, ForceOption, name_of_calculator, progress

if TYPE_CHECKING:  # it loads ASE
    from ..relaxation.relaxing import Relaxation

FORMATS = ("cif", "poscar", "extxyz", "json")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Relax the atoms and the cell of structures, symmetry kept, and write where they come to rest.

    A structure that does not come to rest is written too, and says so: in a comment of its file, or
    in the keys of its frame. Each is written as it is done. The exit code is 0 when all came to
    rest, 1 otherwise, 130 after an interruption.
    """
    check_extras()
    chosen = name_of_calculator(model, calculator)
    from ..calculators.named import calculator_named
    from ..relaxation import files
    from ..relaxation.relaxing import InterruptedRelaxation, Step
    from ..relaxation.several import relax_each

    if trajectory is not None:
        saving.check_suffix(trajectory, (".extxyz", ".xyz"))
        saving.write_bytes(trajectory, b"")
    entries = list(read(paths))
    written = _Output(entries, output, form, chosen)
    engine = calculator_named(chosen)
    results: list[Relaxation | Failure] = [Failure.unreached(entry) for entry in entries]
    interrupted = False
    with progress(len(entries), not quiet) as (show, advance):

        def tell(structure: Geometry, step: Step) -> None:
            show(structure, step)
            if trajectory is not None:
                files.append_step(trajectory, structure.name or structure.formula, step)

        place = 0
        try:
            with interruptible():
                for place, result in relax_each(
                    engine,
                    entries,
                    cell=not fixed_cell,
                    force=force,
                    steps=steps,
                    pressure=pressure,
                    symmetry=symmetry,
                    tell=tell,
                ):
                    results[place] = result
                    written.add(place, result)
                    advance()
        except KeyboardInterrupt as stop:
            interrupted = True
            if isinstance(stop, InterruptedRelaxation):
                place = next(n for n, each in enumerate(entries) if each is stop.relaxation.start)
                results[place] = stop.relaxation
                written.add(place, stop.relaxation)
    written.finish()
    if as_json:
        print(files.as_text(results, "json", chosen).rstrip("\n"))
    elif not quiet:
        _show(results, chosen, written)
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
        from ..relaxation import files

        self.calculator = calculator
        suffixed = None if output is None else files.format_of(output)
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
        saving.remove_leftovers(self.folder if self.file is None else Path(self.file).parent)
        ending = "" if output is not None else "-relaxed"
        self.names = files.names_of_files([each.name for each in entries], ending)
        self.done: dict[int, Relaxation | Failure] = {}
        self.written: dict[int, str] = {}
        self.next = 0.0

    def add(self, place: int, result: Relaxation | Failure) -> None:
        """Write a structure, with the others of its file where they share one."""
        from ..relaxation import files

        self.done[place] = result
        if self.file is not None:
            self.written[place] = self.file
            if time.monotonic() >= self.next:
                self.finish()
            return
        if isinstance(result, Failure):
            return
        form = self.form if all(result.structure.periodic) else files.FOR_ALL.get(self.form)
        form = form or self.form
        path = str(self.folder / f"{self.names[place]}{files.ENDINGS[form]}")
        saving.write_bytes(path, files.as_text([result], form, self.calculator).encode())
        self.written[place] = path

    def finish(self) -> None:
        """Write a file that structures share as it is now."""
        from ..relaxation import files

        if self.file is None or not self.done:
            return
        results = [self.done[place] for place in sorted(self.done)]
        saving.write_bytes(self.file, files.as_text(results, self.form, self.calculator).encode())
        self.next = time.monotonic() + SAVE_EVERY


def _show(results: Sequence[Relaxation | Failure], calculator: str, written: _Output) -> None:
    """Print relaxations for people: a text for each of a few, a table of many."""
    done = [(place, each) for place, each in enumerate(results) if not isinstance(each, Failure)]
    if len(results) >= TABLE_FROM:
        heads = ("name", "formula", "at rest", ">steps", ">force [eV/Å]", ">stress [GPa]",
                 ">volume [%]", ">energy [eV/atom]", "symmetry", "remarks")  # fmt: skip
        say_table(heads, [_table_row(each) for each in results])
        say("", f"by {calculator}; volume and energy: their change", _where(written))
    else:
        for number, (place, each) in enumerate(done):
            title = Text.assemble((each.name, "bold"), f", {each.structure.formula}, {calculator}")
            say(*([""] * (number > 0)), title, *each.lines())
            if place in written.written:
                say(f"written to {written.written[place]}")
    for _, each in done:
        for warning in each.warnings:
            warn("warning", f"{each.name}: {warning}", "bold yellow")


def _where(written: _Output) -> str:
    place = written.file or str(written.folder)
    return f"{len(written.written)} structures are in {place}"


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
    for result in results:
        if isinstance(result, Failure):
            if not (interrupted and result.is_unreached):
                warn("error", str(result), "bold red")
        elif not result.converged:
            warn("error", f"{result.name}: it did not come to rest: {result.reason}", "bold red")
    rest = [each for each in results if not isinstance(each, Failure) and each.converged]
    if interrupted:
        warn("error", f"interrupted: {len(rest)} of {len(results)} came to rest", "bold red")
        raise typer.Exit(EXIT_CODE)
    if len(rest) < len(results):
        raise typer.Exit(1)
