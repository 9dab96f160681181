"""The command ``eos``: energy against volume of a crystal under a potential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, say, say_json, say_table, warn

from ..prediction.inputs import read
from ..prediction.result import Failure
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

if TYPE_CHECKING:  # they load ASE
    from natural_tensors.elasticity import Moduli

    from ..calculators.equation_of_state import EquationOfState


@app.command(
    "eos",
    epilog=examples_of(
        "carnet",
        "eos si.cif",
        "eos si.cif --model silicon --elastic",
        "eos POSCAR --calculator mace --span 0.1 --points 15",
        "eos quartz.cif --fixed-shape -o quartz.json --picture quartz.png",
    ),
)
def eos(
    paths: CrystalsArgument,
    model: ModelOption = DEFAULT,
    calculator: CalculatorOption = None,
    points: Annotated[
        int, typer.Option("--points", metavar="N", min=5, help="Volumes, an odd number.")
    ] = 11,
    span: Annotated[
        float,
        typer.Option(
            "--span",
            metavar="X",
            min=1e-4,
            max=0.4,
            help="Relative change of the volume at both ends.",
        ),
    ] = 0.06,
    fixed_shape: Annotated[
        bool,
        typer.Option("--fixed-shape", help="Scale the cell; the ions alone relax at a volume."),
    ] = False,
    force: ForceOption = 0.005,
    elastic: Annotated[
        bool,
        typer.Option("--elastic", help="Compare with the bulk modulus of the elastic tensor."),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the results: .json."),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            "--picture", metavar="FILE", help="Energy against volume: .svg, .png, .pdf; of one."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Equations of state of crystals from a potential: V0, K0 and its derivative by the pressure.

    The crystal is relaxed; then its ions and the shape of its cell relax at each volume, and
    Birch-Murnaghan and Vinet are fitted. An interruption keeps what is done, and --output is
    written as it goes. The exit code is 0 when at least one structure has an equation of state, 1
    when none has, 130 after an interruption.
    """
    from natural_tensors.pictures.output import STILL_SUFFIXES, save

    if output is not None:
        saving.check_suffix(output, (".json",))
    if points % 2 == 0:
        raise typer.BadParameter(f"--points is {points}; allowed: odd numbers from 5 on")
    if picture is not None:
        saving.check_suffix(picture, STILL_SUFFIXES)
    check_extras(*(("matplotlib",) if picture is not None else ()))
    from ..calculators import equation_of_state as calculation
    from ..calculators.elastic_constants import elastic_constants_of
    from ..calculators.named import calculator_named

    chosen = name_of_calculator(model, calculator)
    engine = calculator_named(chosen)
    entries = list(read(paths))
    if picture is not None and len(entries) != 1:
        raise typer.BadParameter(
            f"--picture shows one structure, and there are {len(entries)}: leave it out"
        )

    def compute(_: int, entry: Geometry, tell: Callable[[Any], None]) -> _Result:
        found = calculation.equation_of_state(
            engine, entry, points=points, span=span, shape=not fixed_shape, force=force, tell=tell
        )
        if not elastic:
            return _Result(found, None)
        tensor = elastic_constants_of(
            engine, found.rest.structure, title=chosen, relaxed=False, force=force, tell=tell
        )
        return _Result(found, tensor.prediction.moduli)

    def document(results: Sequence[_Result | Failure]) -> dict[str, Any]:
        return {"model": chosen, "equations_of_state": [each.to_dict() for each in results]}

    def save_document(results: Sequence[_Result | Failure]) -> None:
        if output is not None:
            saving.write_bytes(output, (saving.to_json(document(results)) + "\n").encode())

    results, interrupted = results_of(entries, compute, shown=not as_json, save=save_document)
    done = [each for each in results if isinstance(each, _Result)]
    if picture is not None and done:
        save(calculation.picture(done[0].equation), picture)
    if as_json:
        say_json(document(results))
    else:
        for number, each in enumerate(done):
            say(*([""] * (number > 0)))
            _show(each, chosen)
        for path in filter(None, (output, picture)):
            if done:
                say(f"written to {path}")
    if not interrupted:
        build_for_next_time(engine, chosen)
    end(results, interrupted, output)


@dataclass(frozen=True, eq=False)
class _Result:
    """An equation of state, and the moduli of the elastic tensor where they were asked for."""

    equation: EquationOfState
    moduli: Moduli | None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds."""
        if self.moduli is None:
            return self.equation.to_dict()
        known = {"voigt": self.moduli.bulk_voigt, "reuss": self.moduli.bulk_reuss}
        return self.equation.to_dict() | {
            "elastic_bulk": {name: float(value) for name, value in known.items()}
        }


def _show(result: _Result, model: str) -> None:
    """Print an equation of state for people."""
    found, atoms = result.equation, result.equation.atoms
    rest, name, formula = found.rest, found.rest.name, found.rest.structure.formula
    say(
        title_of(name, formula, model),
        f"{len(found.volumes)} volumes, "
        + ("ions and shape of the cell relaxed" if found.shape else "ions relaxed, shape held")
        + f"; symmetry: {rest.symmetry}",
        "",
    )
    pressures = found.fits[0].pressures(found.volumes)
    say_table(
        (">volume [Å^3/atom]", ">energy [eV/atom]", ">pressure [GPa]"),
        [
            (f"{volume / atoms:.4f}", f"{energy / atoms:.6f}", f"{pressure:.2f}")
            for volume, energy, pressure in zip(
                found.volumes, found.energies, pressures, strict=True
            )
        ],
    )
    say("")
    say_table(
        ("fit", ">V0 [Å^3/atom]", ">K0 [GPa]", ">K0'", ">left [meV/atom]"),
        [
            (
                fit.form,
                f"{fit.volume / atoms:.4f}",
                f"{fit.bulk:.2f}",
                f"{fit.derivative:.2f}",
                f"{1e3 * fit.residual / atoms:.2g}",
            )
            for fit in found.fits
        ],
    )
    if result.moduli is not None:
        which, other = ("Reuss", "Voigt") if found.shape else ("Voigt", "Reuss")
        values = {"Reuss": result.moduli.bulk_reuss, "Voigt": result.moduli.bulk_voigt}
        say(
            f"bulk modulus of the elastic tensor: {float(values[which]):.2f} GPa ({which}, which "
            f"this K0 is), {float(values[other]):.2f} GPa ({other})"
        )
    for warning in (*rest.warnings, *found.warnings):
        warn("warning", f"{name}: {warning}", "bold yellow")
