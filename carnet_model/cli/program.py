"""The program ``carnet``: how it starts and fails, and what its commands share."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import MappingProxyType
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from natural_tensors import (
    CONVENTIONS,
    SymmetryError,
    UnknownTensorError,
    __version__,
    catalog,
)
from natural_tensors.cli import (
    USAGE_ERRORS,
    check_codegen,
    fail,
    none_or_one_of,
    one_of,
    say,
    usage_message,
)
from natural_tensors.elasticity.units import PRESSURES
from natural_tensors.files import FileError

from .. import prediction
from ..dataset import (
    LABEL_FORMS,
    DatasetError,
    LabelForm,
    LabelSource,
)
from ..geometry import GeometryError
from ..prediction import (
    ModelError,
    PredictionError,
)
from ..targets import Target, TargetError

SPLITS = ("all", "train", "val", "reserved")

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
        "exported": "ExportError",
        "mechanics": "MechanicsError",
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


def check_extras(*more: str) -> None:
    """Refuse to start without what every prediction needs; a reader would blame the file."""
    for package in (*NEEDED, *more):
        if find_spec(package) is None:
            raise ModuleNotFoundError(name=package)


def _input_errors() -> tuple[type[Exception], ...]:
    """Return what bad input raises: those of modules that were not imported were not raised."""
    found = list(INPUT_ERRORS)
    for module, name in LATE_ERRORS.items():
        loaded = sys.modules.get(f"carnet_model.{module}")
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
        "export runs/mine/model -o mine.pt2",
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
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target", "-t", metavar="NAME",
        help="Which tensor of a model that predicts several; its first when left out.",
    ),
]  # fmt: skip
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


def label_source(
    name: str, key: str | None, form: str | None, unit: str | None, target: Target | None = None
) -> LabelSource:
    """Return where a label stands; a stiffness as in this project's JSON when nothing is said."""
    ours = name == "elastic" and key is None and form is None
    return LabelSource(
        name,
        key=key or ("C" if ours else name),
        form=cast(LabelForm, form or ("upper" if ours else "full")),
        unit=unit or ("GPa" if name == "elastic" else ""),
        kept="" if target is None else target.unit,
        symmetry=target.tensor if target else "" if name in catalog else name,
        axial=target is not None and target.axial,
        sites="all" if target and target.pooling == "atoms" else "",
    )
