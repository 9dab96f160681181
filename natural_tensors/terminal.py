"""How a command line speaks and fails: tables, messages, exit codes, shared by both programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, ClassVar, Literal, NoReturn, TextIO

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from . import limits
from .errors import InputError, reason_of
from .files import saving
from .formatting import did_you_mean, visible
from .installation import check_codegen, wrong_codegen
from .version import CONVENTIONS, __version__

PIPE_WIDTH = 10_000
"""Columns of a table that goes to a file or a pipe: nothing is ever cut."""


USAGE_ERRORS: tuple[type[Exception], ...] = (typer.BadParameter.__mro__[1],)
"""What is raised for a command line that cannot be parsed, wherever typer keeps its Click."""


NOT_INSTALLED = (
    "commands such as generate are announced when natural-tensors is installed, and Python finds "
    "no installation;\nin a checkout, run: pip install -e ."
)


INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended: 128 and the number of the signal, as in shells."""


class RefusedError(Exception):
    """A tensor, or a part, that violates its symmetry."""


def _console(stream: TextIO) -> Console:
    """Return a console that writes plain, uncut text unless the stream is a terminal."""
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def _shown(text: str) -> str:
    """Return text that may have several lines, and nothing else that acts on a terminal."""
    return "\n".join(map(visible, text.split("\n")))


def say(*lines: str | Text) -> None:
    """Print lines on standard output; what would act on a terminal is escaped."""
    console = _console(sys.stdout)
    for line in lines:
        if isinstance(line, Text):
            line.plain = _shown(line.plain)
        console.print(line if isinstance(line, Text) else _shown(line), soft_wrap=True)


def say_table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings; a heading that starts with ``>`` is flush right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(column.lstrip(">"), justify=justify, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(visible, row))
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
    print(saving.to_json(document))


def warn(kind: str, message: str, style: str) -> None:
    """Write a message to standard error, its kind in a style and further lines indented."""
    first, *others = map(visible, message.rstrip("\n").split("\n"))
    text = Text.assemble((f"{kind}: ", style), first, *(f"\n  {line}" for line in others))
    _console(sys.stderr).print(text, soft_wrap=True)


def fail(code: int, message: str) -> NoReturn:
    """Say what is wrong on standard error and leave with an exit code."""
    warn("error", message, "bold red")
    sys.exit(code)


def usage_message(error: Any) -> str:
    """Return what is wrong with a command line, and where its help is."""
    about_option = getattr(error, "param", None) or not isinstance(error, typer.BadParameter)
    message = error.format_message() if about_option else error.message
    return f"{message}\nfor help: {error.ctx.command_path} --help" if error.ctx else str(message)


def examples_of(program: str, *lines: str) -> str:
    """Return the end of a help page: commands of a program to try."""
    return "\b\nExamples:\n" + "\n".join(f"  {program} {line}" for line in lines)


def missing_package(extras: Mapping[str, str], error: ModuleNotFoundError) -> str:
    """Return what to install; an import that is broken otherwise is raised again."""
    package = (error.name or "").partition(".")[0]
    if package not in extras:
        raise error
    return (
        f"the package {package} is not installed, and this needs it\n"
        f"install it: pip install 'natural-tensors[{extras[package]}]'"
    )


class Program(TyperGroup):
    """The commands of a program, with one way to fail: a readable block on stderr, an exit code.

    Attributes:
        extras: by package, the extra of natural-tensors that brings it.
        entry_points: group of the commands that other packages announce, if any.
    """

    extras: ClassVar[Mapping[str, str]] = {}
    entry_points: ClassVar[str | None] = None

    def list_commands(self, context: Any) -> list[str]:
        """Return the names of the commands, announced ones last."""
        return [*dict.fromkeys([*super().list_commands(context), *self._announced()])]

    def get_command(self, context: Any, name: str) -> Any:
        """Return a command, None when there is none; an announced one is imported now.

        A command of ours that a foreign package called codegen stands in for is none.
        """
        if name not in self.commands and (entry := self._announced().get(name)):
            if entry.module.partition(".")[0] == "codegen" and wrong_codegen():
                return None
            alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
            entry.load()(alone)
            self.add_command(typer.main.get_command(alone), name)
        return super().get_command(context, name)

    def resolve_command(self, context: Any, arguments: list[str]) -> Any:
        """Return the command that a command line names; say why it may be missing here."""
        try:
            return super().resolve_command(context, arguments)
        except USAGE_ERRORS as error:
            if arguments and arguments[0] in self._announced():
                check_codegen()  # why it is none
            if self.entry_points is not None and not self._announced():
                raise typer.BadParameter(f"{usage_message(error)}\n{NOT_INSTALLED}") from None
            raise

    def _announced(self) -> dict[str, EntryPoint]:
        if self.entry_points is None:
            return {}
        return {entry.name: entry for entry in entry_points(group=self.entry_points)}

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line: exit code 0, 1 for a refusal, 2 for bad input of any kind."""
        try:
            result = super().main(*args, **{**options, "standalone_mode": False})
            sys.stdout.flush()
        except RefusedError as error:
            fail(1, str(error))
        except InputError as error:
            fail(2, str(error))
        except USAGE_ERRORS as error:
            fail(2, usage_message(error))
        except (KeyboardInterrupt, typer.Abort):
            fail(INTERRUPTED, "interrupted")
        except ModuleNotFoundError as error:
            fail(2, missing_package(self.extras, error))
        except BrokenPipeError:  # whoever read the output has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            fail(2, f"{error.filename or 'the output'}: {reason_of(error)}")
        if options.get("standalone_mode", True):
            sys.exit(result if isinstance(result, int) else 0)
        return result


LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=NUMBER",
        help=f"Change a limit: {', '.join(each.name for each in limits.TABLE)}; may be repeated.",
    ),
]


def start(
    context: typer.Context, program: str, version: bool, changed: Sequence[str] | None
) -> None:
    """Do what every program does before a command: its version, its help, its limits."""
    if version:
        say(f"{program} {__version__} (conventions {CONVENTIONS})")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit
    limits.change(limits.parse(changed or ()))


def run(app: typer.Typer, program: str) -> None:
    """Run a command line: what a console script calls."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # δ, ± where the encoding has none
    app(prog_name=program)


def one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    """Return a check that an option has one of the values allowed."""

    def check(value: str) -> str:
        if value in allowed:
            return value
        hint = did_you_mean(value, allowed)
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(allowed)}{hint}")

    return check


def none_or_one_of(allowed: Sequence[str]) -> Callable[[str | None], str | None]:
    """Return a check of an option that may be left out."""
    check = one_of(allowed)
    return lambda value: None if value is None else check(value)
