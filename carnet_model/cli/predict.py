"""The commands predict, report and models."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from natural_tensors import (
    files,
)
from natural_tensors.cli import (
    none_or_one_of,
    one_of,
    say,
    say_table,
    warn,
)
from natural_tensors.cli.crystals import write_report
from natural_tensors.files import FileError

from .. import prediction
from ..crystals import FRAMES, FrameName
from ..geometry import Geometry
from ..prediction import (
    Failure,
    Precision,
    Prediction,
    Predictor,
)
from .program import (
    PROGRESS_FROM,
    BatchOption,
    ModelOption,
    PrecisionOption,
    TargetOption,
    app,
    check_extras,
    examples_of,
)

FORMATS = ("text", "json", "csv", "extxyz")
SUFFIXES = {".json": "json", ".csv": "csv", ".extxyz": "extxyz", ".xyz": "extxyz"}

TABLE_FROM = 4
"""As many results are a table instead of a text for each."""


@app.command(
    "predict",
    epilog=examples_of(
        "predict si.cif",
        "predict POSCAR --precision double",
        "predict structures/ -o predictions.json",
        "predict relaxed.extxyz --format csv",
        "predict si.cif --model runs/mine",
        "predict quartz.cif --frame canonical",
    ),
)
def predict(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...", help="CIF, POSCAR, extended XYZ, JSON, ASE databases, folders."
        ),
    ],
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
) -> None:
    """Predict the tensors of structures, each with the frame it is in.

    A file that cannot be predicted costs none of the others: it becomes an error in its place.
    The exit code is 0 when at least one structure was predicted, and 1 when none was.
    """
    written = _format_of(output, form)
    check_extras()
    predictor = prediction.load(model, target=target, precision=cast(Precision, precision))
    shown = sys.stderr.isatty() and not quiet
    results = _predict(predictor, paths, cast(FrameName, frame), batch, shown)
    if output is not None:
        files.write_bytes(output, _as_text(results, predictor, written, full).encode())
    if output is None and written != "text":
        print(_as_text(results, predictor, written, full).rstrip("\n"))
    elif not quiet:
        _show(results, predictor, full)
    failures = [result for result in results if isinstance(result, Failure)]
    for failure in failures:
        warn("error", str(failure), "bold red")
    if output is not None and not quiet:
        count = len(results) - len(failures)
        say("", f"{count} of {len(results)} structures predicted, written to {output}")
    if len(failures) == len(results):
        raise typer.Exit(1)


def _predict(
    predictor: Predictor, paths: Sequence[str], frame: FrameName, batch: int | None, shown: bool
) -> list[Prediction | Failure]:
    entries = list(prediction.read(paths))
    progress = shown and len(entries) >= PROGRESS_FROM
    return predictor.predict(entries, frame=frame, batch=batch, progress=progress)


def _format_of(output: str | None, form: str | None) -> str:
    """Return the format asked for; an output that cannot be written is refused early."""
    if output is not None and not Path(output).resolve().parent.is_dir():
        raise FileError(
            f"{output}: there is no directory {Path(output).resolve().parent}\ncreate it first"
        )
    if output is None or form is not None:
        return form or "text"
    files.check_suffix(output, tuple(SUFFIXES))
    return SUFFIXES[Path(output).suffix.lower()]


def _as_text(
    results: Sequence[Prediction | Failure], predictor: Predictor, form: str, full: bool
) -> str:
    if form == "json":
        return files.to_json(prediction.as_document(results, predictor)) + "\n"
    if form == "csv":
        return prediction.as_csv(results)
    if form == "extxyz":
        return prediction.as_extxyz(results)
    return "\n\n".join(map(str, results)) + "\n"


def _show(results: Sequence[Prediction | Failure], predictor: Predictor, full: bool) -> None:
    """Print results for people: a text for each of a few, a table of many."""
    found = [result for result in results if isinstance(result, Prediction)]
    if full or len(results) < TABLE_FROM or predictor.target.key != "elastic":
        for number, result in enumerate(found):
            title = result.formula if result.name == result.formula else result.name
            say(*([""] * (number > 0)), Text(title, style="bold"), f"formula {result.formula}")
            say("", *result.lines())
        return
    heads = ("name", "formula", ">K [GPa]", ">G [GPa]", ">E [GPa]", ">ν", ">A", "stable", "remarks")
    say_table(heads, [_table_row(result) for result in results])
    say("", "K, G, E, ν: Hill averages; A: universal anisotropy; ±: spread of the ensemble;")
    say("--full prints every stiffness, -o FILE writes them (.json, .csv, .extxyz)")


def _table_row(result: Prediction | Failure) -> tuple[str, ...]:
    if isinstance(result, Failure):
        return (result.name, "", "", "", "", "", "", "", f"error: {result.reason}")
    moduli = result.moduli
    assert moduli is not None
    cells = []
    for name in ("bulk", "shear", "youngs"):
        spread = result.uncertainty.get(name)
        doubt = "" if spread is None else f" ± {spread:.1f}"
        cells.append(f"{float(getattr(moduli, f'{name}_hill')):.1f}{doubt}")
    remarks = [f"known: {result.known}"] if result.known else []
    return (
        result.name,
        result.formula,
        *cells,
        f"{float(moduli.poisson_hill):.3f}",
        f"{float(moduli.universal_anisotropy):.2f}",
        "yes" if result.stable else "NO",
        "; ".join([*remarks, *result.warnings]),
    )


@app.command(
    "report",
    epilog=examples_of(
        "report quartz.cif",
        "report quartz.cif -o quartz.html --frame structure",
        "report quartz.cif --tensor measured.json --axes ieee",
        "report POSCAR --tensor piezo.json --kind piezoelectric-stress",
    ),
)
def report(
    path: Annotated[str, typer.Argument(metavar="STRUCTURE", help="CIF, POSCAR, JSON, ...")],
    model: ModelOption = "elastic",
    tensor: Annotated[
        str | None,
        typer.Option(
            "--tensor", metavar="FILE", help="Show this tensor instead of a predicted one."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="NAME", help="What the tensor of the file is."),
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="Unit of the tensor of the file.")
    ] = None,
    axes: Annotated[
        str,
        typer.Option(
            "--axes", metavar="FRAME", callback=one_of(FRAMES),
            help=f"{', '.join(FRAMES)}: the axes that the tensor of the file is stated in.",
        ),
    ] = "structure",
    frame: Annotated[
        str,
        typer.Option(
            "--frame", metavar="FRAME", callback=one_of(FRAMES),
            help=f"{', '.join(FRAMES)}: the axes that the page shows.",
        ),
    ] = "canonical",
    project: Annotated[
        bool,
        typer.Option("--project", help="Take the mean of the tensor over the point group."),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page: .html; NAME.html if none."),
    ] = None,
) -> None:  # fmt: skip
    """Write a page about a crystal: its tensor, surfaces to turn, moduli, symmetry, stability.

    One HTML file that needs no network. The tensor is predicted, or read from --tensor, which is
    then held against the point group of the structure and, for its unit, against a prediction.
    """
    if output is not None:
        files.check_suffix(output, (".html",))
    if tensor is None and (kind or unit or project or axes != "structure"):
        raise typer.BadParameter("--kind, --unit, --axes and --project go with --tensor FILE")
    check_extras("plotly", "matplotlib", "jinja2")
    from .. import reports

    thing = reports.read_structure(path)
    shown = cast(FrameName, frame)
    if tensor is None:
        write_report(reports.predicted(thing, prediction.load(model), frame=shown), output)
        return
    found = reports.measured(
        thing, tensor, kind=kind, unit=unit, axes=cast(FrameName, axes), frame=shown,
        project=project,
    )  # fmt: skip
    write_report(found, output, expected_bulk_gpa=_expected_bulk(thing, found.tensor, model))


def _expected_bulk(thing: Geometry, tensor: str, model: str) -> float | None:
    """Return the bulk modulus that networks expect, GPa; None where they cannot tell."""
    if tensor != "elastic":
        return None
    (result,) = prediction.load(model).predict([thing])
    if isinstance(result, Failure) or result.moduli is None:
        return None
    return float(result.moduli.bulk_hill)


@app.command("models", epilog=examples_of("models", "models --json"))
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the weights that come with the package, with the figures of their model cards."""
    records = {name: _card(prediction.WEIGHTS / name) for name in prediction.shipped()}
    if as_json:
        print(files.to_json({"models": [{"name": name, **card} for name, card in records.items()]}))
        return
    if not records:
        say("no weights come with this installation; carnet train makes some")
        return
    for number, (name, card) in enumerate(records.items()):
        say(*([""] * (number > 0)), Text(name, style="bold"))
        for key, value in card.items():
            if not isinstance(value, Mapping):
                say(f"  {key:<12}{value}")
        width = max(map(len, card["metrics"]), default=0)
        for key, value in card["metrics"].items():
            say(
                f"  {key:<{width}}  {value:.4g}"
                if isinstance(value, float)
                else f"  {key}  {value}"
            )


def _card(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    return {
        "target": ", ".join(each["title"] or each["tensor"] for each in record["targets"]),
        "unit": ", ".join(each["unit"] for each in record["targets"]),
        "networks": record["members"],
        "elements": len(record["elements"]),
        "size": f"{size:.1f} MB",
        "metrics": _flat(record["metrics"]),
    }


def _flat(metrics: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested figures under names joined by dots."""
    found: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{above}.{key}" if above else str(key)
        found |= _flat(value, name) if isinstance(value, Mapping) else {name: value}
    return found
