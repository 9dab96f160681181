"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, cast

import numpy as np
import typer
from rich.text import Text
from typer.core import TyperGroup

from natural_tensors import (
    CONVENTIONS,
    Form,
    SymmetryError,
    UnknownTensorError,
    __version__,
    catalog,
    files,
)
from natural_tensors.cli import (
    USAGE_ERRORS,
    check_codegen,
    fail,
    none_or_one_of,
    one_of,
    say,
    say_table,
    usage_message,
    warn,
)
from natural_tensors.cli.crystals import write_report
from natural_tensors.elasticity.units import PRESSURES
from natural_tensors.files import FileError

from . import prediction
from .crystals import FRAMES, SYMPREC, FrameName
from .dataset import (
    LABEL_FORMS,
    DatasetError,
    Example,
    Examples,
    LabelForm,
    LabelSource,
    read_examples,
)
from .geometry import Geometry, GeometryError
from .labels import TOLERANCE
from .prediction import (
    Failure,
    ModelError,
    Precision,
    Prediction,
    PredictionError,
    Predictor,
)
from .targets import TargetError

FORMATS = ("text", "json", "csv", "extxyz")
SUFFIXES = {".json": "json", ".csv": "csv", ".extxyz": "extxyz", ".xyz": "extxyz"}
SPLITS = ("all", "train", "val", "reserved")

TABLE_FROM = 4
"""As many results are a table instead of a text for each."""

PROGRESS_FROM = 20
"""As many structures show a progress bar on a terminal."""

NEEDED = ("torch", "vesin", "pymatgen", "ase", "spglib", "pydantic", "safetensors")
"""Packages that no prediction can do without; the exact side needs none of them."""

EXTRAS = MappingProxyType(
    dict.fromkeys(NEEDED, "carnet")
    | dict.fromkeys(("lightning", "matplotlib", "tensorboard"), "train")
    | dict.fromkeys(("plotly", "jinja2"), "report")
)
"""By package, the extra of natural-tensors that brings it."""

INPUT_ERRORS: tuple[type[Exception], ...] = (
    FileError, GeometryError, DatasetError, ModelError, PredictionError, SymmetryError,
    TargetError, UnknownTensorError,
)  # fmt: skip


LATE_ERRORS = MappingProxyType(
    {
        "config": "ConfigError",
        "checkpoint": "CheckpointError",
        "training": "TrainingError",
        "compiling": "CompilerError",
        "reports": "MisfitError",
    }
)
"""What bad input raises in modules that are imported only when they are needed."""


# --- the program ----------------------------------------------------------------------------------


class Program(TyperGroup):
    """The commands, with one way to fail: a readable block on stderr and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line: exit code 0, 1 when nothing came of good usage, 2 for bad input."""
        try:
            result = super().main(*args, **{**options, "standalone_mode": False})
        except USAGE_ERRORS as error:
            fail(2, usage_message(error))
        except ModuleNotFoundError as error:
            fail(2, _missing(error))
        except Exception as error:
            if not isinstance(error, _input_errors()):
                raise
            fail(2, str(error))
        if options.get("standalone_mode", True):
            sys.exit(result if isinstance(result, int) else 0)
        return result


def _missing(error: ModuleNotFoundError) -> str:
    """Return what to install; an import that is broken otherwise is raised again."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        raise error
    return (
        f"the package {package} is not installed, and this needs it\n"
        f"install it: pip install 'natural-tensors[{EXTRAS[package]}]'"
    )


def _check_extras(*more: str) -> None:
    """Refuse to start without what every prediction needs; a reader would blame the file."""
    for package in (*NEEDED, *more):
        if find_spec(package) is None:
            raise ModuleNotFoundError(name=package)


def _input_errors() -> tuple[type[Exception], ...]:
    """Return what bad input raises: those of modules that were not imported were not raised."""
    found = list(INPUT_ERRORS)
    for module, name in LATE_ERRORS.items():
        loaded = sys.modules.get(f"{__package__}.{module}")
        if loaded is not None and hasattr(loaded, name):
            found.append(getattr(loaded, name))
    return tuple(found)


def examples_of(*lines: str) -> str:
    """Return the end of a help page: commands to try."""
    return "\b\nExamples:\n" + "\n".join(f"  carnet {line}" for line in lines)


app = typer.Typer(
    name="carnet",
    cls=Program,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    epilog=examples_of(
        "predict si.cif",
        "predict structures/ -o predictions.csv",
        "report quartz.cif",
        "models",
        "data dejong2015 dejong2015.json.gz",
        "train config.yaml",
        "evaluate data.json.gz --split val --output report",
    ),
)
data = typer.Typer(
    name="data", rich_markup_mode="rich", add_completion=False, no_args_is_help=True,
    help="Fetch public data; check labels against the symmetry of their crystals.",
)  # fmt: skip
app.add_typer(data)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Tensors of crystals and molecules, predicted from their structure.

    Exit codes: 0 done; 1 no structure could be predicted, or data check found labels that violate
    their symmetry; 2 bad usage or input.
    """
    if version:
        say(f"carnet {__version__} (conventions {CONVENTIONS})")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit
    check_codegen()


def main() -> None:
    """Run the command line: the console script ``carnet``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # ± where the encoding has none
    app(prog_name="carnet")


# --- options that several commands share ----------------------------------------------------------

ModelOption = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="NAME", help="Shipped weights, or the folder of a checkpoint."
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision", metavar="TYPE", callback=one_of(prediction.PRECISIONS),
        help="single computes in float32, double in float64.",
    ),
]  # fmt: skip
BatchOption = Annotated[
    int | None,
    typer.Option("--batch", metavar="N", min=1, help="Most structures computed at once."),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="Key or column of the label.")
]
FormOption = Annotated[
    str | None,
    typer.Option(
        "--form", metavar="FORM", callback=none_or_one_of(LABEL_FORMS),
        help="How the label is written: upper is the upper triangle of the Voigt matrix.",
    ),
]  # fmt: skip
UnitOption = Annotated[
    str | None,
    typer.Option("--unit", metavar="UNIT", help=f"Unit of the label: {', '.join(PRESSURES)}, ..."),
]


def _source(
    name: str, key: str | None, form: str | None, unit: str | None, axial: bool = False
) -> LabelSource:
    """Return where a label stands; a stiffness as in this project's JSON when nothing is said."""
    ours = name == "elastic" and key is None and form is None
    return LabelSource(
        name,
        key=key or ("C" if ours else name),
        form=cast(LabelForm, form or ("upper" if ours else "full")),
        unit=unit or ("GPa" if name == "elastic" else ""),
        symmetry="" if name in catalog else name,
        axial=axial,
    )


# --- predict --------------------------------------------------------------------------------------


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
    _check_extras()
    predictor = prediction.load(model, precision=cast(Precision, precision))
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
    if full or len(results) < TABLE_FROM or predictor.target.name != "elastic":
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


# --- report ---------------------------------------------------------------------------------------


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
    _check_extras("plotly", "matplotlib", "jinja2")
    from . import reports

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


# --- evaluate -------------------------------------------------------------------------------------


@app.command(
    "evaluate",
    epilog=examples_of(
        "evaluate data.json.gz --split val --output report",
        "evaluate data.json.gz -m runs/mine -o report",
        "evaluate data.json.gz -o report --baseline-data data.json.gz",
        "evaluate a.extxyz --key stiffness --form voigt -o report",
    ),
)
def evaluate(
    path: Annotated[str, typer.Argument(metavar="DATA", help="Structures with labels.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")
    ],
    model: ModelOption = "elastic",
    split: Annotated[
        str,
        typer.Option(
            "--split", metavar="SPLIT", callback=one_of(SPLITS),
            help=f"{', '.join(SPLITS)}: which examples of DATA.",
        ),
    ] = "all",
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline-data", metavar="FILE",
            help="Training data for trivial predictions; only its train split is used.",
        ),
    ] = None,
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
    batch: BatchOption = None,
    precision: PrecisionOption = "single",
) -> None:  # fmt: skip
    """Compare predictions with labels: errors, baselines, plots, and whether doubt ranks errors.

    The folder receives report.json, predictions.csv and plots. Labels of a stiffness are read from
    the key C (upper triangle of the Voigt matrix, GPa) unless options say otherwise.
    """
    _check_extras()
    from . import evaluation

    if Path(output).exists() and not Path(output).is_dir():
        raise FileError(f"{output}: is no folder\nname one for the report; it is created")
    predictor = prediction.load(model, precision=cast(Precision, precision))
    source = _source(predictor.target.name, key, form, unit, predictor.target.axial)
    chosen = _labelled(path, source, split)
    train: list[Example] = []
    if baseline is not None:
        train = _of_split(read_examples(baseline, source, on_error="skip"), "train")
    shown = sys.stderr.isatty() and len(chosen) >= PROGRESS_FROM
    found = evaluation.evaluate(predictor, chosen, baseline=train, batch=batch, progress=shown)
    files_written = found.write(output)
    say(str(found), "")
    for failure in found.failures:
        warn("error", str(failure), "bold red")
    say(f"written to {output}: {', '.join(file.name for file in files_written)}")


@app.command(
    "join",
    epilog=examples_of(
        "join runs/a/model runs/b/model -o runs/both",
        "join runs/*/model -o runs/all --data data.json.gz --split val",
    ),
)
def join(
    members: Annotated[list[str], typer.Argument(metavar="MODELS...", help="Checkpoints.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the ensemble goes.")
    ],
    path: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="FILE",
            help="Labelled structures that no member was trained on: their errors are recorded, "
            "and the spread is scaled to hold 68 % of them.",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split", metavar="SPLIT", callback=one_of(SPLITS),
            help=f"{', '.join(SPLITS)}: which examples of the data.",
        ),
    ] = "val",
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
) -> None:  # fmt: skip
    """Join networks of one target to an ensemble, whose spread is the uncertainty."""
    _check_extras()
    from . import checkpoint, evaluation

    joined = checkpoint.merge(members, output)
    if path is not None:
        source = _source(joined.target.name, key, form, unit, joined.target.axial)
        found = evaluation.evaluate(prediction.load(output), _labelled(path, source, split))
        scores = {score.name: round(score.value, 4) for score in found.errors.scores}
        notes = {
            "metrics": {split: {"structures": len(found.predictions), **scores}},
            "spread_scale": {name: round(v, 4) for name, v in found.spread_scale.items()},
        }
        checkpoint.merge(members, output, notes)
    say(f"{len(joined.models)} networks joined in {output}")


def _labelled(path: str, source: LabelSource, split: str) -> list[Example]:
    """Return the examples of a split to measure a model on; faulty records are reported."""
    examples = read_examples(path, source, for_training=False, on_error="skip")
    for fault in examples.faults:
        warn("warning", str(fault), "bold yellow")
    chosen = _of_split(examples, split)
    if not chosen:
        raise DatasetError(
            f"{path}: none of its {len(examples)} examples is of the split {split!r}\n"
            f"allowed: --split {', '.join(SPLITS)}"
        )
    return chosen


def _of_split(examples: Examples, split: str) -> list[Example]:
    return [example for example in examples if split in ("all", example.split)]


# --- train ----------------------------------------------------------------------------------------


def _help_config(asked: bool) -> None:
    if asked:
        from . import config

        say(config.describe())
        raise typer.Exit


@app.command(
    "train",
    epilog=examples_of("train config.yaml", "train config.yaml --fresh", "train --help-config"),
)
def train(
    path: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file of settings.")],
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--fresh",
            help="Go on where a run stopped, or start anew; otherwise go on if there is a run.",
        ),
    ] = None,
    help_config: Annotated[
        bool,
        typer.Option(
            "--help-config", is_eager=True, callback=_help_config,
            help="Print every setting with its default, and exit.",
        ),
    ] = False,
) -> None:  # fmt: skip
    """Train networks as a configuration says; an interrupted run goes on where it stopped."""
    from . import config

    settings = config.read_config(path)  # a mistake is told before PyTorch has loaded
    from . import training

    run = training.train(settings, resume=resume)
    for name, value in run.metrics.items():
        say(f"{name}  {value:.5g}")
    say(f"model: {run.checkpoint}", f"try it: carnet predict FILE --model {run.checkpoint}")


# --- data -----------------------------------------------------------------------------------------


@data.command("dejong2015", epilog=examples_of("data dejong2015 dejong2015.json.gz"))
def dejong2015(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Where to write: .json or .json.gz.")],
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive", metavar="FILE", help="matminer-0.4.0.tar.gz, where it is at hand."
        ),
    ] = None,
) -> None:
    """Fetch the 1,181 public elastic tensors of de Jong and others (2015, CC0) through pip.

    The SHA-256 of the download is checked, and each label against the point group of its crystal.
    """
    from . import dejong2015 as source

    say(str(source.fetch(path, archive=archive)))


@data.command(
    "check",
    epilog=examples_of(
        "data check data.json.gz",
        "data check data.json.gz --repair --drop -o mended.json",
        "data check dielectric.json --label dielectric --key eps --form full",
    ),
)
def check(
    path: Annotated[str, typer.Argument(metavar="DATA", help="Structures with labels.")],
    label: Annotated[
        str,
        typer.Option("--label", metavar="NAME", help="A named tensor, or an index symmetry."),
    ] = "elastic",
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, help="Share of its norm by which a label may be off."),
    ] = TOLERANCE,
    symprec: Annotated[
        float, typer.Option("--symprec", min=0, help="Å, within which positions are equivalent.")
    ] = SYMPREC,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Rotate labels that fit when stated in other known axes."),
    ] = False,
    average: Annotated[
        bool,
        typer.Option("--average", help="Replace violating labels by their mean over the group."),
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Leave out labels still violating.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the mended data go, as .json."),
    ] = None,
) -> None:
    """Hold every label against the point group of its crystal: a wrong frame is the usual error.

    Reports labels that violate it, how far, and what would mend them. The exit code is 1 when
    there are any and none of --repair, --average, --drop says what to do.
    """
    from . import labels

    mending = repair or average or drop
    if mending != (output is not None):
        raise typer.BadParameter(
            "--repair, --average and --drop need --output, and --output needs one of them"
        )
    if output is not None:
        files.check_suffix(output, (".json",))
    source = _source(label, key, form, unit)
    examples = read_examples(path, source, for_training=False, on_error="skip")
    for fault in examples.faults:
        warn("warning", str(fault), "bold yellow")
    report = labels.check(examples, label, symprec=symprec, tolerance=tolerance)
    say(str(report))
    kept: list[Example | None] = list(examples)
    for finding in report.findings:
        offers = labels.repair(examples[finding.index], label, symprec=symprec, tolerance=tolerance)
        frames = [offer for offer in offers if offer.kind == "frame"]
        chosen = None
        if repair and frames:
            chosen = frames[0]
        elif average:
            chosen = next(offer for offer in offers if offer.kind == "average")
        elif drop:
            chosen = offers[-1]
        if chosen is not None:
            kept[finding.index] = chosen.example
        say(f"  {finding.identifier}: {chosen if chosen is not None else _offered(offers)}")
    if output is None:
        if report.findings:
            raise typer.Exit(1)
        return
    left = [example for example in kept if example is not None]
    rows = [_record(example, source) for example in left]
    text = "[\n" + ",\n".join(json.dumps(row, default=_json) for row in rows) + "\n]\n"
    files.write_bytes(output, text.encode())
    say("", f"{len(left)} of {len(examples)} examples written to {output}")


def _offered(offers: Sequence[Any]) -> str:
    """Return what could be done, the likeliest first."""
    flags = {"frame": "--repair", "average": "--average", "drop": "--drop"}
    return "; or ".join(f"{flags[offer.kind]}: {offer.what}" for offer in offers)


def _record(example: Example, source: LabelSource) -> dict[str, Any]:
    """Return an example as a record that the same label options read again."""
    thing = example.geometry
    record: dict[str, Any] = {
        "id": example.identifier,
        "formula": example.formula,
        **{name: value for name, value in example.notes.items() if name not in ("id", "formula")},
        "numbers": thing.numbers.tolist(),
        "positions": thing.positions.tolist(),
        "periodic": list(thing.periodic),
    }
    if thing.cell.any():
        record["lattice"] = thing.cell.tolist()
    record[source.key or source.name] = _written(example.labels[source.name], source)
    return record


def _written(values: Any, source: LabelSource) -> Any:
    """Return a label in the form and unit that it was read in."""
    target = source.reduction
    if target is None:
        return (values / source.factor).tolist()
    upper = source.form == "upper"
    form: Form = ("full" if target.rank == 2 else "voigt") if upper else cast(Form, source.form)
    found = np.asarray(target.convert(values, source="full", target=form)) / source.factor
    return (found[np.triu_indices(len(found))] if upper else found).tolist()


def _json(value: Any) -> Any:
    """Return what JSON has for numbers and arrays of NumPy, and for anything else its text."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


# --- models ---------------------------------------------------------------------------------------


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
        "target": record["target"]["tensor"],
        "unit": record["unit"],
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
