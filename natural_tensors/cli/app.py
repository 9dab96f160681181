"""The command line ``natural-tensors``: how it starts."""

from __future__ import annotations

from typing import Annotated

import typer

from ..terminal import LimitOption, Program, examples_of, run, start

NAME = "natural-tensors"


class ExactProgram(Program):
    """The commands here, and those that the packages downstream announce."""

    extras = dict.fromkeys(("plotly", "matplotlib", "jinja2", "markupsafe"), "report")
    entry_points = "natural_tensors.commands"


app = typer.Typer(
    name=NAME,
    cls=ExactProgram,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    epilog=examples_of(
        NAME,
        "list elastic",
        "show piezoelectric",
        "decompose --example copper",
        "decompose stiffness.csv -o parts.json",
        "reconstruct parts.json",
    ),
)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
    limit: LimitOption = None,
) -> None:
    """The irreducible parts of tensors, exactly: what they are, and those of your numbers.

    Exit codes: 0 done; 1 a tensor refused because it violates its symmetry, or
    a file that is not what generate --check expects; 2 bad usage or input.
    """
    start(context, NAME, version, limit)


def main() -> None:
    """Run the command line: the console script ``natural-tensors``."""
    run(app, NAME)
