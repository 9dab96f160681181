"""The program ``carnet``: how it starts."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from natural_tensors.terminal import LimitOption, Program, examples_of, run, start

NAME = "carnet"

NEEDED = ("torch", "vesin", "pymatgen", "ase", "spglib", "pydantic", "safetensors")
"""Packages that no prediction can do without; the exact side needs none of them."""


class ModelProgram(Program):
    """The commands, and which extra brings what they need."""

    extras = (
        dict.fromkeys(NEEDED, "carnet")
        | dict.fromkeys(("lightning", "matplotlib", "tensorboard"), "train")
        | {"optuna": "tune", "phonopy": "phonons"}
        | dict.fromkeys(("plotly", "jinja2"), "report")
        | {"pyarrow": "screen", "ray": "ray"}
        | dict.fromkeys(("fastapi", "uvicorn", "python_multipart"), "app")
    )


def check_extras(*more: str) -> None:
    """Refuse to start without what every prediction needs; a reader would blame the file."""
    for package in (*NEEDED, *more):
        if find_spec(package) is None:
            raise ModuleNotFoundError(name=package)


app = typer.Typer(
    name=NAME,
    cls=ModelProgram,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    epilog=examples_of(
        NAME,
        "predict si.cif",
        "predict structures/ -o predictions.csv",
        "screen structures/ -o results --workers 2",
        "report quartz.cif",
        "relax si.cif",
        "phonons si.cif -o si-phonons",
        "eos si.cif",
        "app",
        "models",
        "data dejong2015 dejong2015.json.gz",
        "select pool/ -n 100 -o next.extxyz",
        "train config.yaml",
        "tune config.yaml",
        "evaluate data.json.gz --split val --output report",
        "export runs/mine/model -o mine.pt2",
    ),
)
data = typer.Typer(
    name="data",
    rich_markup_mode="rich",
    add_completion=False,
    no_args_is_help=True,
    help="Fetch public data; check labels against the symmetry of their crystals.",
)
app.add_typer(data)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
    limit: LimitOption = None,
) -> None:
    """Tensors of crystals and molecules, predicted from their structure.

    Exit codes: 0 done; 1 no structure could be predicted, or data check found labels that violate
    their symmetry; 2 bad usage or input.
    """
    start(context, NAME, version, limit)


def main() -> None:
    """Run the command line: the console script ``carnet``."""
    run(app, NAME)
