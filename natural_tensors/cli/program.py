"""The command line ``natural-tensors``: the parts of a tensor, from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, cast

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from .. import CONVENTIONS, files
from ..components import FORMS
from ..errors import UnknownTensorError
from ..examples import UnknownExampleError
from ..files import FileError
from ..harmonics import NORMALIZATIONS
from ..physical import catalog
from ..reductions import BASES, Basis, Reduction
from ..symmetry import SymmetryError
from ..version import __version__

PIPE_WIDTH = 10_000
"""Columns of a table that goes to a file or a pipe: nothing is ever cut."""

USAGE_ERRORS: tuple[type[Exception], ...] = (typer.BadParameter.__mro__[1],)
"""What is raised for a command line that cannot be parsed, wherever typer keeps its Click."""

REPORT_PACKAGES = ("plotly", "matplotlib", "jinja2", "markupsafe")
"""What only pictures and pages need, which a plain installation leaves out."""

INPUT_ERRORS = (FileError, SymmetryError, UnknownTensorError, UnknownExampleError)


class RefusedError(Exception):
    """A tensor, or a part, that violates its symmetry."""


# --- what is printed ------------------------------------------------------------------------------


def _console(stream: Any) -> Console:
    """Return a console that writes plain, uncut text unless the stream is a terminal."""
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def say(*lines: str | Text) -> None:
    """Print lines on standard output."""
    console = _console(sys.stdout)
    for line in lines:
        console.print(line, soft_wrap=True)


def say_table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings; a heading that starts with ``>`` is flush right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(column.lstrip(">"), justify=justify, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    console = _console(sys.stdout)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())


def say_facts(facts: Mapping[str, str]) -> None:
    """Print names and values in two columns; empty values are left out."""
    width = max(map(len, facts)) + 2
    say(*(f"{key:<{width}}{value}" for key, value in facts.items() if value))


def say_json(document: Mapping[str, Any]) -> None:
    """Print an object as JSON on standard output."""
    print(files.to_json(document))


def warn(kind: str, message: str, style: str) -> None:
    """Write a message to standard error, its kind in a style and further lines indented."""
    first, *others = message.splitlines()
    text = Text.assemble((f"{kind}: ", style), first, *(f"\n  {line}" for line in others))
    _console(sys.stderr).print(text, soft_wrap=True)


# --- the program ----------------------------------------------------------------------------------


class Program(TyperGroup):
    """The commands, with one way to fail: a readable block on stderr and an exit code."""

    def list_commands(self, context: Any) -> list[str]:
        """Return the names of the commands: those here, and the one that lives downstream."""
        return [*dict.fromkeys([*super().list_commands(context), "generate"])]

    def get_command(self, context: Any, name: str) -> Any:
        """Return a command; ``generate`` is imported from codegen when it is asked for."""
        if name == "generate" and name not in self.commands and check_codegen():
            from codegen.cli import register

            alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
            register(alone)
            self.add_command(typer.main.get_command(alone), name)
        return super().get_command(context, name)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line: exit code 0, 1 for a tensor refused, 2 for any other bad input."""
        try:
            result = super().main(*args, **{**options, "standalone_mode": False})
        except RefusedError as error:
            fail(1, str(error))
        except INPUT_ERRORS as error:
            fail(2, str(error))
        except USAGE_ERRORS as error:
            fail(2, usage_message(error))
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in REPORT_PACKAGES:
                raise
            fail(
                2,
                f"the package {package} is not installed, and a report needs it\n"
                "install it: pip install 'natural-tensors[report]'",
            )
        if options.get("standalone_mode", True):
            sys.exit(result if isinstance(result, int) else 0)
        return result


def fail(code: int, message: str) -> NoReturn:
    """Say what is wrong on standard error and leave with an exit code."""
    warn("error", message, "bold red")
    sys.exit(code)


def usage_message(error: Any) -> str:
    """Return what is wrong with a command line, and where its help is."""
    about_option = getattr(error, "param", None) or not isinstance(error, typer.BadParameter)
    message = error.format_message() if about_option else error.message
    return f"{message}\nfor help: {error.ctx.command_path} --help" if error.ctx else str(message)


def examples_of(*lines: str) -> str:
    """Return the end of a help page: commands to try."""
    return "\b\nExamples:\n" + "\n".join(f"  natural-tensors {line}" for line in lines)


app = typer.Typer(
    name="natural-tensors",
    cls=Program,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    epilog=examples_of(
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
) -> None:
    """The irreducible parts of tensors, exactly: what they are, and those of your numbers.

    Exit codes: 0 done; 1 a tensor refused because it violates its symmetry, or
    a file that is not what generate --check expects; 2 bad usage or input.
    """
    if version:
        say(f"natural-tensors {__version__} (conventions {CONVENTIONS})")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit
    check_codegen()


def check_codegen() -> bool:
    """Warn when the name ``codegen`` leads to another package than the one beside this one."""
    spec = find_spec("codegen")
    ours = Path(__file__).resolve().parents[2] / "codegen" / "__init__.py"
    found = spec.origin if spec else None
    is_ours = found is not None and Path(found).resolve() == ours
    if not is_ours:
        warn(
            "warning",
            f"the package codegen that Python finds is not ours: {found or 'there is none'}\n"
            f"ours is {ours}; code generation will not work.\n"
            "uninstall the other one (pip uninstall codegen), reinstall natural-tensors,\n"
            "and do not run Python in a folder that holds a codegen",
            "bold yellow",
        )
    return is_ours


def main() -> None:
    """Run the command line: the console script ``natural-tensors``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # δ where the encoding has none
    app(prog_name="natural-tensors")


# --- options that several commands share ----------------------------------------------------------


def one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    """Return a check that an option has one of the values allowed."""

    def check(value: str) -> str:
        if value in allowed:
            return value
        near = get_close_matches(value, allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(allowed)}{hint}")

    return check


def none_or_one_of(allowed: Sequence[str]) -> Callable[[str | None], str | None]:
    """Return a check of an option that may be left out."""
    check = one_of(allowed)
    return lambda value: None if value is None else check(value)


FileArgument = Annotated[
    str | None, typer.Argument(metavar="FILE", help="JSON, CSV, TXT or NPY; - reads stdin.")
]
ExampleOption = Annotated[
    str | None,
    typer.Option("--example", metavar="NAME", help="A crystal of `natural-tensors examples`."),
]
TensorOption = Annotated[
    str | None,
    typer.Option("--tensor", metavar="NAME", help="What it is: `natural-tensors list`."),
]
FormOption = Annotated[
    str,
    typer.Option(
        "--form",
        metavar="FORM",
        callback=one_of(("auto", *FORMS)),
        help=f"How the numbers are written: {', '.join(FORMS)}; auto reads it from the file "
        "or the shape.",
    ),
]
SymmetryOption = Annotated[
    str | None,
    typer.Option(
        "--symmetry", metavar="RELATIONS", help="Index symmetry, such as 'ijk=ikj' or 'ij=-ji'."
    ),
]
AxialOption = Annotated[
    bool, typer.Option("--axial", help="A pseudo-tensor: inversion gives it another sign.")
]
BasisOption = Annotated[
    str,
    typer.Option(
        "--basis",
        metavar="BASIS",
        callback=one_of(BASES),
        help="dual: each copy is one pattern of deltas; orthonormal: Gram-Schmidt of those.",
    ),
]
NormalizationOption = Annotated[
    str,
    typer.Option(
        "--normalization",
        metavar="SCALE",
        callback=one_of(NORMALIZATIONS),
        help=f"{', '.join(NORMALIZATIONS)}: rules 14 and 15 of the conventions.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
LatexOption = Annotated[bool, typer.Option("--latex", help="Print the formulas as LaTeX only.")]
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the result to a file.")
]


def target_class(
    name: str | None, symmetry: str | None, axial: bool, basis: str, option: str
) -> Reduction | None:
    """Return the class that the command line names, if it names one."""
    if name is not None and symmetry is not None:
        raise typer.BadParameter(f"give {option} or --symmetry, not both")
    text = symmetry if name is None else name
    if text is None and axial:
        raise typer.BadParameter("--axial goes with --symmetry; a file says it itself")
    if text is None:
        return None
    if axial and text in catalog and not catalog[text].axial:
        raise typer.BadParameter(
            f"{catalog[text].name} is a polar tensor: leave --axial out, or give its --symmetry"
        )
    return files.tensor_class(text, axial=axial or None, basis=cast("Basis", basis))
