"""The command ``elastic``: how stiff a crystal is under a potential."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from natural_tensors.arrays import to_lists
from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, say, warn

from ..prediction.inputs import read
from ..prediction.predictor import load
from ..prediction.result import Failure
from .app import app, check_extras
from .options import ModelOption


@app.command(
    "elastic",
    epilog=examples_of(
        "carnet",
        "elastic si.cif --model silicon",
        "elastic POSCAR -m silicon --by-strain",
        "elastic si.cif -m silicon --json",
    ),
)
def elastic(
    paths: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Crystals: CIF, POSCAR, JSON, ...")
    ],
    model: ModelOption,
    relaxed: Annotated[
        bool,
        typer.Option("--relax/--no-relax", help="Relax cell and ions with the potential first."),
    ] = True,
    force: Annotated[
        float,
        typer.Option("--force", metavar="F", min=1e-6, help="Largest force left, eV/Å."),
    ] = 0.005,
    strains: Annotated[
        bool,
        typer.Option("--by-strain", help="Compare with finite strains and relaxed ions."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Elastic constants of crystals from a potential: second derivatives, with relaxed ions."""
    check_extras()
    from ..calculators.ase import CarNetCalculator
    from ..calculators.elastic_constants import elastic_constants, from_finite_strains
    from ..potentials.second_derivatives import MechanicsError

    predictor = load(model, precision="double")
    documents, done = [], 0
    for entry in read(paths):
        try:
            if isinstance(entry, Failure):
                raise MechanicsError(str(entry))
            relaxed_crystal = elastic_constants(predictor, entry, relaxed=relaxed, force=force)
        except MechanicsError as error:
            warn("error", str(error), "bold red")
            documents.append({"name": entry.name, "error": str(error)})
            continue
        done += 1
        result = relaxed_crystal.prediction
        check = None
        if strains:
            check = from_finite_strains(CarNetCalculator(predictor), result.structure, force=force)
        if as_json:
            document = result.to_dict() | {"volume_change": relaxed_crystal.volume_change}
            documents.append(
                document if check is None else document | {"by_strain": to_lists(check)}
            )
            continue
        change = f"volume {100 * relaxed_crystal.volume_change:+.2f} % in the relaxation"
        say(Text(result.name, style="bold"), change)
        say(*result.lines())
        if check is not None:
            assert result.stiffness is not None
            gap = float(abs(check - result.stiffness).max())
            say("", f"by finite strains: the largest difference is {gap:.2f} GPa")
    if as_json:
        print(saving.to_json({"model": predictor.name, "elastic": documents}))
    if not done:
        raise typer.Exit(1)
