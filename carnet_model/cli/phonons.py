"""The command ``phonons``: frequencies of a crystal under a potential, by phonopy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from natural_tensors.terminal import examples_of, say, say_json, say_table, warn

from ..prediction.inputs import read
from ..structures.geometry import Geometry
from .app import app, check_extras
from .options import ModelOption
from .relaxing import (
    DEFAULT,
    CalculatorOption,
    CrystalsArgument,
    ForceOption,
    build_for_next_time,
    end,
    name_of_calculator,
    results_of,
    title_of,
)

if TYPE_CHECKING:  # it loads phonopy
    from ..calculators.phonons import Phonons, Thermal
    from ..relaxation.relaxing import Relaxation

SAME = 5e-3
"""THz: frequencies nearer to each other are printed as one."""


@app.command(
    "phonons",
    epilog=examples_of(
        "carnet",
        "phonons si.cif",
        "phonons si.cif --model silicon -o si-phonons",
        "phonons POSCAR --calculator mace --supercell 4 4 4",
        "phonons mgo.cif --born BORN -o mgo-phonons",
        "phonons structures/ --json",
    ),
)
def phonons(
    paths: CrystalsArgument,
    model: ModelOption = DEFAULT,
    calculator: CalculatorOption = None,
    supercell: Annotated[
        tuple[int, int, int] | None,
        typer.Option(
            "--supercell",
            metavar="A B C",
            help="Multiples of the lattice vectors; by --length, of the primitive ones.",
        ),
    ] = None,
    length: Annotated[
        float,
        typer.Option(
            "--length", metavar="L", min=1.0, help="Opposite faces of the supercell: so far, Å."
        ),
    ] = 12.0,
    distance: Annotated[
        float, typer.Option("--distance", metavar="D", min=1e-4, help="Displacement, Å.")
    ] = 0.01,
    mesh: Annotated[
        tuple[int, int, int] | None,
        typer.Option(
            "--mesh", metavar="A B C", help="Wave vectors of the density of states, by length."
        ),
    ] = None,
    born: Annotated[
        str | None,
        typer.Option(
            "--born", metavar="FILE", help="Born charges, BORN of phonopy: splits polar modes."
        ),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option("--temperature", metavar="T", min=1e-3, help="Of the heat capacity, K."),
    ] = 300.0,
    threshold: Annotated[
        float,
        typer.Option("--threshold", metavar="F", min=1e-6, help="Imaginary from here on, THz."),
    ] = 0.1,
    relaxed: Annotated[
        bool,
        typer.Option("--relax/--no-relax", help="Relax cell and ions with the potential first."),
    ] = True,
    force: ForceOption = 0.001,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Files of phonopy, a picture, JSON; a folder for each of several structures.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Phonons of crystals from a potential, by finite displacements (phonopy).

    The crystal is relaxed first. Frequencies are stated at the special points of its lattice, and
    whether any is imaginary: at a wave vector that fits the supercell, where the crystal is
    unstable, or only between such, where a larger supercell may raise it. Potentials have no
    charges: without --born polar modes at Γ are transverse. An interruption keeps what is done.
    The exit code is 0 when at least one structure has phonons, 1 when none has, 130 after an
    interruption.
    """
    check_extras("phonopy", *(("matplotlib",) if output is not None else ()))
    if supercell is not None and min(supercell) < 1:
        raise typer.BadParameter(f"--supercell is {supercell}; allowed: whole numbers from 1 on")
    if mesh is not None and min(mesh) < 1:
        raise typer.BadParameter(f"--mesh is {mesh}; allowed: whole numbers from 1 on")
    if born is not None and not Path(born).is_file():
        raise typer.BadParameter(f"--born: there is no file {born}")
    from ..calculators import phonons as calculation
    from ..calculators.named import calculator_named
    from ..calculators.phonon_files import write_phonons
    from ..relaxation.files import names_of_files
    from ..relaxation.relaxing import relax

    chosen = name_of_calculator(model, calculator)
    engine = calculator_named(chosen)
    entries = list(read(paths))
    names = names_of_files([each.name for each in entries])
    folders = [
        Path(output or "") / name if len(entries) > 1 else Path(output or "") for name in names
    ]

    def compute(place: int, entry: Geometry, tell: Callable[[Any], None]) -> _Result:
        rest = relax(engine, entry, force=force, tell=tell) if relaxed else None
        found = calculation.phonons(
            engine,
            entry if rest is None else rest.at_rest(),
            supercell=supercell,
            length=length,
            distance=distance,
            mesh=mesh or calculation.MESH,
            temperature=temperature,
            threshold=threshold,
            born=born,
            tell=lambda number, count: tell(f"forces in supercell {number + 1} of {count}"),
        )
        if output is not None:
            write_phonons(found, folders[place], chosen)
        return _Result(found, rest, folders[place] if output is not None else None)

    results, interrupted = results_of(entries, compute, shown=not as_json)
    if as_json:
        say_json({"model": chosen, "phonons": [each.to_dict() for each in results]})
    else:
        for number, each in enumerate(one for one in results if isinstance(one, _Result)):
            say(*([""] * (number > 0)))
            _show(each, chosen)
    if not interrupted:
        build_for_next_time(engine, chosen)
    end(results, interrupted, output)


@dataclass(frozen=True, eq=False)
class _Result:
    """Phonons of a crystal, the relaxation before, and where their files are."""

    phonons: Phonons
    rest: Relaxation | None
    folder: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds."""
        known = {} if self.rest is None else {"volume_change": self.rest.volume_change}
        return self.phonons.to_dict() | known


def _show(result: _Result, model: str) -> None:
    """Print phonons for people."""
    found = result.phonons
    name, formula = found.structure.name or found.structure.formula, found.structure.formula
    title = title_of(name, formula, model)
    say(title, *([] if result.rest is None else [_relaxed(result.rest)]))
    atoms = len(found.structure) * int(np.prod(found.supercell))
    plural = "s" * (found.displacements != 1)
    say(
        f"supercell {' x '.join(map(str, found.supercell))}, {atoms} atoms, "
        f"{found.displacements} displacement{plural}",
        "",
    )
    say_table(
        ("point", "wave vector", "frequencies [THz]"),
        [
            (each.label, each.place.partition(" ")[2], _frequencies(each.frequencies.tolist()))
            for each in found.points
        ],
    )
    say("", *found.verdict_lines(), *_thermal(found.thermal))
    if found.polar:
        say("no Born charges: polar modes at Γ are transverse (TO); --born BORN splits them")
    if result.folder is not None:
        say(f"written to {result.folder}{os.sep}: phonopy.yaml, bands.png, ...")
    for warning in () if result.rest is None else result.rest.warnings:
        warn("warning", f"{name}: {warning}", "bold yellow")


def _relaxed(rest: Relaxation) -> str:
    change = "" if rest.volume_change is None else f"volume {100 * rest.volume_change:+.2f} % in "
    return f"{change}the relaxation, {rest.steps} steps; symmetry: {rest.symmetry}"


def _frequencies(values: Sequence[float]) -> str:
    """Return frequencies as text: equal ones once, imaginary ones with an i.

    >>> _frequencies([-2.5, 0.0, 0.0, 15.04])
    '2.50i  0.00 x2  15.04'
    """
    groups: list[list[float]] = []
    for value in values:
        if groups and value - groups[-1][-1] < SAME:
            groups[-1].append(value)
        else:
            groups.append([value])
    return "  ".join(
        f"{abs(group[0]):.2f}{'i' * (group[0] < -SAME)}"
        + (f" x{len(group)}" if len(group) > 1 else "")
        for group in groups
    )


def _thermal(known: Thermal | None) -> list[str]:
    if known is None:
        return []
    return [
        f"zero-point energy {1e3 * known.zero_point:.1f} meV an atom; at {known.temperature:g} K: "
        f"heat capacity {known.heat_capacity:.2f}, entropy {known.entropy:.2f} J/(mol K), of atoms",
        f"Debye temperature {known.debye:.0f} K (second moment of the frequencies)",
    ]
