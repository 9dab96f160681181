"""The command ``elastic``: how stiff a crystal is under a potential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from natural_tensors.arrays import Floats, to_lists
from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, say

from ..network.targets import Target
from ..prediction import formats
from ..prediction.inputs import read
from ..prediction.predictor import Predictor, load
from ..prediction.result import Failure
from ..structures.geometry import Geometry
from ..weights.shipped import ModelError, checkpoint_of
from .app import app, check_extras
from .options import ModelOption
from .relaxing import (
    DEFAULT,
    CalculatorOption,
    CrystalsArgument,
    ForceOption,
    end,
    name_of_calculator,
    results_of,
    title_of,
)

if TYPE_CHECKING:  # they load PyTorch
    from ..calculators.elastic_constants import Elastic
    from ..prediction.disagreement import Disagreement
    from ..relaxation.relaxing import Step

NOTHING = "none"
"""In place of weights: no direct prediction beside."""


@app.command(
    "elastic",
    epilog=examples_of(
        "carnet",
        "elastic si.cif",
        "elastic si.cif --model silicon --by-strain",
        "elastic POSCAR --calculator mace",
        "elastic structures/ -o elastic.json",
        "elastic si.cif -m silicon --json",
    ),
)
def elastic(
    paths: CrystalsArgument,
    model: ModelOption = DEFAULT,
    calculator: CalculatorOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the results: .json, as carnet predict."
        ),
    ] = None,
    relaxed: Annotated[
        bool,
        typer.Option("--relax/--no-relax", help="Relax cell and ions with the potential first."),
    ] = True,
    force: ForceOption = 0.005,
    strains: Annotated[
        bool,
        typer.Option("--by-strain", help="Compare with finite strains and relaxed ions."),
    ] = False,
    direct: Annotated[
        str,
        typer.Option(
            "--direct",
            metavar="NAME",
            help="Weights that predict the tensor itself, to stand beside; none leaves it out.",
        ),
    ] = "elastic",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Elastic constants of crystals from a potential, ions relaxed.

    Our own potentials are differentiated twice; any other calculator of ASE is strained by 0.5 %
    and its ions relax. Beside them stands what the weights `elastic` predict for the relaxed
    crystal: where both disagree, neither is to be trusted. An interruption keeps what is done,
    and --output is written as it goes. The exit code is 0 when at least one structure has a
    tensor, 1 when none has, 130 after an interruption.
    """
    if output is not None:
        saving.check_suffix(output, (".json",))
    check_extras()
    chosen = name_of_calculator(model, calculator)
    source = _source(chosen, strains, relaxed, force, ours=calculator is None)
    beside = None if direct == NOTHING else _direct(direct)

    def compute(_: int, entry: Geometry, tell: Callable[[Any], None]) -> _Result:
        return _result(entry, source, beside, tell)

    def save(results: Sequence[_Result | Failure]) -> None:
        if output is not None:
            _write(output, source, results)

    results, interrupted = results_of(list(read(paths)), compute, shown=not as_json, save=save)
    if as_json:
        documents = [result.to_dict() for result in results]
        print(saving.to_json({"model": source.name, "elastic": documents}))
    else:
        _show(results, output)
    end(results, interrupted, output)


@dataclass(frozen=True, eq=False)
class _Source:
    """A potential: how it derives a stiffness, and by finite strains once more where asked."""

    name: str
    networks: int | None
    derive: Callable[[Geometry, Callable[[Step], None]], Elastic]
    compare: Callable[[Geometry], Floats] | None


@dataclass(frozen=True, eq=False)
class _Result:
    """What was derived for a crystal, and what stands beside it."""

    elastic: Elastic
    by_strain: Floats | None
    beside: Disagreement | Failure | None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds: a prediction, and what else is known of it."""
        rest = self.elastic.relaxation
        document = self.elastic.prediction.to_dict()
        document |= {"volume_change": self.elastic.volume_change}
        document |= {
            "method": "finite strains" if self.elastic.mechanics is None else "second derivatives"
        }
        if rest is not None:
            known = rest.to_dict()
            keys = ("steps", "energy", "largest_force", "stress", "symmetry")
            document |= {"relaxation": {key: known[key] for key in keys}}
        if self.by_strain is not None:
            document |= {"by_strain": to_lists(self.by_strain)}
        if isinstance(self.beside, Failure):
            document |= {"direct": {"error": self.beside.reason}}
        elif self.beside is not None:
            document |= self.beside.to_dict()
        return document


def _direct(name: str) -> Predictor:
    """Return networks that predict the tensor itself.

    Raises:
        ModelError: when there are none of this name, or they predict another tensor.
    """
    predictor = load(name)
    if predictor.target.key != "elastic":
        raise ModelError(
            f"{predictor.title}: predicts {predictor.target.key}; allowed: elastic\n"
            "--direct none leaves it out"
        )
    return predictor


def _source(name: str, strains: bool, relaxed: bool, force: float, *, ours: bool) -> _Source:
    """Return the potential of a name: networks of ours, or any calculator.

    Raises:
        ModelError, CalculatorError: when there is none, or it has no forces.
    """
    from ..calculators.ase import CarNetCalculator
    from ..calculators.elastic_constants import (
        elastic_constants,
        elastic_constants_of,
        from_finite_strains,
    )
    from ..calculators.named import calculator_named, with_forces

    if ours or checkpoint_of(name) is not None:
        predictor = load(name, precision="double")
        engine = with_forces(CarNetCalculator(predictor), predictor.title)

        def by_derivatives(structure: Geometry, tell: Callable[[Step], None]) -> Elastic:
            return elastic_constants(predictor, structure, relaxed=relaxed, force=force, tell=tell)

        def by_strain(structure: Geometry) -> Floats:
            return from_finite_strains(engine, structure)

        return _Source(
            name, predictor.networks.count, by_derivatives, by_strain if strains else None
        )
    if strains:
        raise typer.BadParameter(
            "--by-strain compares second derivatives with finite strains; --calculator has no "
            "second derivatives: leave it out"
        )
    calculator = calculator_named(name)

    def by_strains(structure: Geometry, tell: Callable[[Step], None]) -> Elastic:
        return elastic_constants_of(
            calculator, structure, title=name, relaxed=relaxed, force=force, tell=tell
        )

    return _Source(name, None, by_strains, None)


def _result(
    entry: Geometry, source: _Source, beside: Predictor | None, tell: Callable[[Step], None]
) -> _Result:
    """Return the tensor of one crystal, and what stands beside it."""
    from ..prediction.disagreement import Disagreement

    found = source.derive(entry, tell)
    strained = None if source.compare is None else source.compare(found.prediction.structure)
    if beside is None:
        return _Result(found, strained, None)
    (predicted,) = beside.predict([found.prediction.structure])
    if isinstance(predicted, Failure):
        return _Result(found, strained, predicted)
    return _Result(found, strained, Disagreement(found.prediction, predicted))


def _write(output: str, source: _Source, results: Sequence[_Result | Failure]) -> None:
    """Write the document of ``carnet predict``."""
    about = formats.about_model(
        Target("elastic"), name=source.name, networks=source.networks, precision="double"
    )
    documents = [result.to_dict() for result in results]
    text = saving.to_json(about | {"predictions": documents}) + "\n"
    saving.write_bytes(output, text.encode(errors="backslashreplace"))


def _show(results: Sequence[_Result | Failure], output: str | None) -> None:
    """Print what was derived, for people."""
    done = [result for result in results if isinstance(result, _Result)]
    for number, result in enumerate(done):
        prediction, rest = result.elastic.prediction, result.elastic.relaxation
        say(*([""] * (number > 0)))
        say(title_of(prediction.name, prediction.formula, prediction.model))
        if rest is None:
            say("not relaxed")
        else:
            change = f"volume {100 * result.elastic.volume_change:+.2f} % in the relaxation"
            say(f"{change}, {rest.steps} steps")
        say(*prediction.lines())
        if result.by_strain is not None:
            assert prediction.stiffness is not None
            gap = float(abs(result.by_strain - prediction.stiffness).max())
            say("", f"by finite strains: the largest difference is {gap:.2f} GPa")
        if isinstance(result.beside, Failure):
            say("", f"no direct prediction: {result.beside.reason}")
        elif result.beside is not None:
            say("", f"beside the direct prediction of {result.beside.direct.model}")
            say(*result.beside.lines())
    if output is not None:
        say("", f"{len(done)} of {len(results)} crystals, written to {Path(output)}")
