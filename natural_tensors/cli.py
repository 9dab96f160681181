"""The command line ``natural-tensors``: the parts of a tensor, from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cached_property
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, cast

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from . import CONVENTIONS, examples, files
from .basis import Polynomial
from .components import FORMS, VOIGT_LABELS, Form
from .couplings import coupling
from .errors import UnknownTensorError
from .examples import UnknownExampleError
from .files import FileError, Parts, TensorRecord, Values
from .harmonics import NORMALIZATIONS, Normalization, harmonic
from .notation import LATEX, TEXT, Notation
from .packing import pack_natural
from .physical import PhysicalTensor, catalog
from .reductions import BASES, Basis, Reduction, reduction
from .symmetry import SymmetryError
from .version import __version__

PIPE_WIDTH = 10_000
"""Columns of a table that goes to a file or a pipe: nothing is ever cut."""

FLOOD = 4000
"""Characters of formulas that ``show`` prints without being asked to; JSON has them all."""

MATRICES = 27
"""Matrices that ``reconstruct`` prints; a file takes them all."""

ENTRIES = 200
"""Entries of a coupling that are printed; JSON has them all."""

ROUNDING = 1e4
"""Numbers this many roundings below the norm of the tensor are printed as 0 (never in JSON)."""

FORM_MEANS: Mapping[Form, str] = {
    "full": "full",
    "components": "independent components",
    "voigt": "Voigt, no factors",
    "voigt-compliance": "Voigt, a factor 2 for each off-diagonal pair",
    "mandel": "Mandel, a factor √2 for each off-diagonal pair",
}

USAGE_ERRORS: tuple[type[Exception], ...] = (typer.BadParameter.__mro__[1],)
"""What is raised for a command line that cannot be parsed, wherever typer keeps its Click."""

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


def _say_facts(facts: Mapping[str, str]) -> None:
    width = max(map(len, facts)) + 2
    say(*(f"{key:<{width}}{value}" for key, value in facts.items() if value))


def _say_json(document: Mapping[str, Any]) -> None:
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
    ours = Path(__file__).resolve().parent.parent / "codegen" / "__init__.py"
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


def _target(
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


# --- list -----------------------------------------------------------------------------------------


@app.command("list", epilog=examples_of("list", "list piezo", "list --rank 4", "list --json"))
def list_tensors(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only what mentions this.")
    ] = None,
    rank: Annotated[
        int | None, typer.Option("--rank", min=0, help="Only tensors with so many indices.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the physical tensors that have a name here.

    The irreps are in the notation of e3nn: 2x0e+1x4e is two scalars and one part
    of weight 4, all even under inversion.
    """
    wanted = {
        field: [catalog[name] for name in names if _wanted(catalog[name], field, text, rank)]
        for field, names in catalog.fields
    }
    chosen = [(field, entries) for field, entries in wanted.items() if entries]
    if as_json:
        rows = [_catalog_row(entry, field) for field, entries in chosen for entry in entries]
        _say_json({"tensors": rows})
        return
    if not chosen:
        say(f"none of the {len(catalog)} tensors fits; `natural-tensors list` shows them all")
        return
    columns = ("name", "symbol", ">rank", "symmetry", "irreps", "time reversal", "unit")
    table: list[tuple[str, ...]] = []
    for field, entries in chosen:
        table.append((f"# {field}",))
        for entry in entries:
            row = _catalog_row(entry, field)
            row["time reversal"] = _parity(entry.time_reversal)
            table.append(tuple(str(row[column.lstrip(">")]) for column in columns))
    say_table(columns, table)
    count = sum(len(entries) for _, entries in chosen)
    say("", f"{count} of {len(catalog)} tensors; `natural-tensors show NAME` explains one")


def _wanted(entry: PhysicalTensor, field: str, text: str | None, rank: int | None) -> bool:
    words = (entry.name, entry.title, entry.symmetry, entry.jahn, entry.relation, field)
    known = " ".join((*words, *entry.aliases)).casefold()
    return (text is None or text.casefold() in known) and rank in (None, entry.rank)


def _catalog_row(entry: PhysicalTensor, field: str) -> dict[str, Any]:
    # asked for by its symmetry, so that all tensors of one class share one reduction
    target = files.tensor_class(entry.symmetry, axial=entry.axial)
    return {
        "name": entry.name,
        "title": entry.title,
        "field": field,
        "symbol": entry.symbol,
        "rank": entry.rank,
        "symmetry": entry.symmetry,
        "axial": entry.axial,
        "dimension": target.dimension,
        "irreps": target.irreps,
        "time_reversal": entry.time_reversal,
        "jahn": entry.jahn,
        "unit": entry.unit,
        "aliases": list(entry.aliases),
    }


# --- show -----------------------------------------------------------------------------------------


@app.command(
    epilog=examples_of(
        "show elastic",
        "show elastic --basis orthonormal",
        "show --symmetry 'ijk=ikj'",
        "show --symmetry 'ij=-ji' --axial --json",
        "show third-order-elastic --latex > formulas.tex",
    )
)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name from `natural-tensors list`.")
    ] = None,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    basis: BasisOption = "dual",
    formulas: Annotated[
        str,
        typer.Option(
            "--formulas",
            metavar="auto|all|none",
            callback=one_of(("auto", "all", "none")),
            help="auto leaves out those of a class so large that they would flood the screen.",
        ),
    ] = "auto",
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Explain a tensor: its irreducible parts and the formulas that lead to them and back."""
    target = _target(name, symmetry, axial, basis, "NAME")
    if target is None:
        raise typer.BadParameter("name a tensor, or give its --symmetry 'ijk=ikj'")
    text = target.formula() if formulas != "none" else ""
    shown = formulas == "all" or 0 < len(text) <= FLOOD
    if as_json:
        _say_json(_class_document(target, formulas != "none"))
    elif latex:
        say(target.latex())
    else:
        _say_class(target)
        if shown:
            say("", Text(f"Formulas ({basis} basis)", style="bold"), text)
            say("", "repeated indices are summed; ⟨ ⟩ is the symmetric traceless part")
        elif formulas == "auto":
            say("", f"its formulas take {len(text):,} characters; --formulas all prints them")


def _say_class(target: Reduction) -> None:
    say(Text(_title(target), style="bold"), "")
    kind = "axial" if target.symmetry.axial else "polar"
    facts = {
        "symmetry": f"{_symmetry(target)} ({kind}, rank {target.rank})",
        "inversion": _parity(target.parity),
    }
    if target.name:
        entry = catalog[target.name]
        facts |= {
            "meaning": entry.relation,
            "time reversal": _parity(entry.time_reversal),
            "Jahn symbol": entry.jahn,
            "unit": entry.unit,
            "also called": ", ".join(entry.aliases),
            "source": entry.source,
        }
    _say_facts(facts | {"irreps": _content(target)})
    say("")
    say_table(
        (">weight", "parity", ">copies", ">components of each"),
        [
            (str(weight), _parity(target.parity), str(count), str(2 * weight + 1))
            for weight, count in target.multiplicities.items()
        ],
    )


def _title(target: Reduction) -> str:
    if target.name is None:
        return f"Tensors of symmetry {target.symmetry}" if target.rank else "Scalars"
    entry = catalog[target.name]
    return f"{entry.title}, {entry.symbol} ({entry.name})"


def _parity(sign: int) -> str:
    return "even" if sign == 1 else "odd"


def _symmetry(target: Reduction) -> str:
    return str(target.symmetry) or "scalar"


def _content(target: Reduction) -> str:
    plural = "s" if target.dimension > 1 else ""
    return f"{target.irreps}, {target.dimension} independent component{plural}"


def _class_document(target: Reduction, with_formulas: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": target.name,
        "symmetry": str(target.symmetry),
        "axial": target.symmetry.axial,
        "rank": target.rank,
        "dimension": target.dimension,
        "parity": target.parity,
        "irreps": target.irreps,
        "multiplicities": {str(weight): n for weight, n in target.multiplicities.items()},
        "basis": target.basis,
        "copies": [list(key) for key in target.copies],
        "components": list(target.components.labels),
    }
    if target.name:
        entry = catalog[target.name]
        document |= {
            "title": entry.title,
            "symbol": entry.symbol,
            "relation": entry.relation,
            "time_reversal": entry.time_reversal,
            "jahn": entry.jahn,
            "unit": entry.unit,
            "aliases": list(entry.aliases),
            "source": entry.source,
        }
    document["formulas"] = (
        {"text": target.formula(), "latex": target.latex()} if with_formulas else None
    )
    return document


# --- decompose ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Taken:
    """A tensor, or a batch, taken apart.

    Attributes:
        record: what was read.
        target: its class.
        form: the form it was read in.
        values: the numbers, symmetrized if that was asked for.
        parts: ``{(weight, copy): batch + (3,)*weight}``.
        weight_shares: share of each weight in the squared norm, of the shape of the batch.
        copy_shares: share of each orthonormal copy.
        notes: what was decided without being asked.
    """

    record: TensorRecord
    target: Reduction
    form: Form
    values: Values
    parts: Parts
    weight_shares: dict[int, Values]
    copy_shares: dict[tuple[int, int], Values]
    notes: tuple[str, ...]

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading axes of the array."""
        size = len(self.target.components.layout(self.form).shape)
        return self.values.shape[: self.values.ndim - size]

    @cached_property
    def norms(self) -> dict[tuple[int, int], Values]:
        """Frobenius norm of each part, of the shape of the batch."""
        flat = {key: part.reshape((*self.batch, -1)) for key, part in self.parts.items()}
        return {key: np.linalg.norm(part, axis=-1) for key, part in flat.items()}

    @property
    def round_trip(self) -> float:
        """Largest relative difference, over the batch, after reconstruction."""
        back = self.target.reconstruct(self.parts, form=self.form)
        rows = (-1, self.target.components.layout(self.form).position.size)
        gap = np.linalg.norm((back - self.values).reshape(rows), axis=1)
        size = np.linalg.norm(self.values.reshape(rows), axis=1)
        return float((gap / np.where(size > 0, size, 1)).max())

    @cached_property
    def moduli(self) -> dict[str, Values]:
        """Voigt averages of bulk and shear modulus, for a stiffness: the isotropic parts."""
        if self.target.name != "elastic":
            return {}
        lame = reduction("elastic").decompose(self.values, form=self.form)
        first, shear = lame[0, 0], lame[0, 1]
        return {"K": first + 2 * shear / 3, "G": shear}

    @cached_property
    def noise(self) -> float:
        """Size below which a number is rounding."""
        eps = float(np.finfo(self.values.dtype).eps)
        return ROUNDING * eps * float(np.abs(self.values).max())


@app.command(
    epilog=examples_of(
        "decompose stiffness.csv",
        "decompose --example copper --verbose",
        "decompose d.json --tensor piezoelectric --basis orthonormal",
        "decompose many.npy --tensor dielectric -o parts.json",
        "examples zinc --json | natural-tensors decompose - --json",
    )
)
def decompose(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="JSON, CSV, TXT or NPY; - reads stdin.")
    ] = None,
    example: Annotated[
        str | None,
        typer.Option("--example", metavar="NAME", help="A crystal of `natural-tensors examples`."),
    ] = None,
    tensor: Annotated[
        str | None,
        typer.Option("--tensor", metavar="NAME", help="What it is: `natural-tensors list`."),
    ] = None,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    form: Annotated[
        str,
        typer.Option(
            "--form",
            metavar="FORM",
            callback=one_of(("auto", *FORMS)),
            help=f"How the numbers are written: {', '.join(FORMS)}; auto reads it from the file "
            "or the shape.",
        ),
    ] = "auto",
    basis: BasisOption = "dual",
    project: Annotated[
        bool, typer.Option("--project", help="Symmetrize what violates its symmetry.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the numbers of every part.")
    ] = False,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Take a tensor apart: its irreducible parts, and their shares of its squared norm.

    Leading axes of the array are a batch. JSON may say what it holds:
    {"tensor": [...], "class": "elastic", "form": "voigt", "unit": "GPa"},
    or "symmetry" and "axial" instead of "class".

    The JSON that -o writes holds all that reconstruct needs.
    """
    if output is not None:
        files.check_suffix(output, (".json",))
    record = _input(file, example)
    target = _target(tensor, symmetry, axial, basis, "--tensor")
    taken = _take_apart(record, target, basis, form, project)
    document = _parts_document(taken) if output is not None or as_json else {}
    if output is not None:
        files.write_json(output, document)
    if as_json:
        for note in taken.notes:
            warn("note", note, "bold")
        _say_json(document)
        return
    _say_taken(taken, verbose)
    if output is not None:
        say("", f"wrote {output}")


def _input(file: str | None, example: str | None) -> TensorRecord:
    if (file is None) == (example is None):
        raise typer.BadParameter("give one FILE, - for standard input, or --example NAME")
    if example is None:
        return files.read_tensor(cast("str", file))
    found = examples.load(example)
    return TensorRecord(
        origin=f"example {found.name}",
        values=found.values,
        tensor=found.tensor,
        form=cast("Form", found.form),
        unit=found.unit,
        name=f"{found.name} ({found.formula})",
    )


def _take_apart(
    record: TensorRecord, target: Reduction | None, basis: str, form: str, project: bool
) -> Taken:
    notes = []
    if target is None:
        text = record.tensor
        if text is None:
            text = files.guess_class(record)
            notes.append(f"taken for {text!r} by its shape; choose with --tensor or --symmetry")
        target = files.tensor_class(text, axial=record.axial, basis=cast("Basis", basis))
    asked = None if form == "auto" else cast("Form", form)
    read_as = files.choose_form(target, record, asked)
    values = record.values
    if project:
        values = target.symmetrize(values, form=read_as)
        change = float(np.abs(values - record.values).max())
        notes.append(f"symmetrized first: that changed no entry by more than {change:.3g}")
    try:
        parts = target.decompose(values, form=read_as)
    except SymmetryError as error:
        reason = str(error).partition("; use invalid=")[0]
        raise RefusedError(
            f"{record.origin}: {reason}\n"
            "symmetrize it with --project, or choose another class with --tensor or --symmetry"
        ) from None
    return Taken(
        record,
        target,
        read_as,
        values,
        parts,
        target.fractions(values, form=read_as),
        target.fractions(values, per="copy", form=read_as),
        tuple(notes),
    )


def _parts_document(taken: Taken) -> dict[str, Any]:
    record, norms = taken.record, taken.norms
    document = files.about(taken.target, taken.form, record.unit, record.name)
    shares = {
        "weight": {
            str(weight): files.plain(share) for weight, share in taken.weight_shares.items()
        },
        "copy": {f"{w},{c}": files.plain(share) for (w, c), share in taken.copy_shares.items()},
    }
    parts = [
        {"weight": w, "copy": c, "norm": files.plain(norms[w, c]), "values": files.plain(part)}
        for (w, c), part in taken.parts.items()
    ]
    document |= {
        "basis": taken.target.basis,
        "batch": list(taken.batch),
        "parts": parts,
        "shares": shares,
        "moduli": {key: files.plain(value) for key, value in taken.moduli.items()},
        "round_trip": taken.round_trip,
    }
    return document


def _say_taken(taken: Taken, verbose: bool) -> None:
    _say_heading(taken.target, taken.form, taken.record.unit, taken.record.name, taken.batch)
    say(*(f"note: {note}" for note in taken.notes), "")
    if taken.batch:
        _say_batch_table(taken)
    else:
        _say_parts_table(taken)
    if verbose:
        for key, part in taken.parts.items():
            _say_part(key, part, taken)
    say("", Text(_verdict(taken), style="bold"))
    if taken.moduli:
        say(_moduli_line(taken))
    say(f"put together again it differs by {taken.round_trip:.1e} of its norm")


def _say_heading(
    target: Reduction, form: Form, unit: str | None, name: str | None, batch: tuple[int, ...]
) -> None:
    title = _title(target) + (f", in {unit}" if unit else "")
    say(Text(f"{name}: {title}" if name else title, style="bold"))
    count = f"{files.times(batch)} tensors, each " if batch else ""
    size = target.components.layout(form).shape
    _say_facts(
        {
            "symmetry": f"{_symmetry(target)}; {_content(target)}",
            "form": f"{count}{files.times(size)} ({FORM_MEANS[form]})",
            "basis": target.basis,
        }
    )


def _say_parts_table(taken: Taken) -> None:
    letter = taken.target.symmetry.parity_letter
    rows = []
    for (weight, copy), part in taken.parts.items():
        rows.append(
            (
                f"X({weight},{copy})",
                f"{weight}{letter}",
                _number(float(taken.norms[weight, copy]), taken.noise),
                _number(float(part), taken.noise) if weight == 0 else "",
                _percent(float(taken.weight_shares[weight])) if copy == 0 else "",
                _percent(float(taken.copy_shares[weight, copy])),
            )
        )
    shares = (">share of weight", ">share of orthonormal copy")
    say_table(("part", "irrep", ">norm", ">value", *shares), rows)


def _say_batch_table(taken: Taken) -> None:
    letter = taken.target.symmetry.parity_letter
    rows = []
    for (weight, copy), norm in taken.norms.items():
        share = _spread(taken.weight_shares[weight], _percent) if copy == 0 else ("", "", "")
        spread = _spread(norm, lambda value: _number(value, taken.noise))
        rows.append((f"X({weight},{copy})", f"{weight}{letter}", *spread, *share))
    heads = [f">{what} {how}" for what in ("norm", "share") for how in ("min", "mean", "max")]
    say_table(("part", "irrep", *heads), rows)
    say("", "share: of the weight, in the squared norm of the tensor")


def _spread(values: Values, written: Callable[[float], str]) -> tuple[str, str, str]:
    """Return minimum, mean and maximum; zero tensors have no shares and do not count."""
    known = values[np.isfinite(values)]
    if not known.size:
        return ("-", "-", "-")
    return written(float(known.min())), written(float(known.mean())), written(float(known.max()))


def _verdict(taken: Taken) -> str:
    """Say in one line what the tensor is made of."""
    shares = {}
    for weight, share in taken.weight_shares.items():
        known = np.asarray(share)[np.isfinite(share)]
        shares[weight] = float(known.mean()) if known.size else np.nan
    if any(np.isnan(share) for share in shares.values()):
        return "zero: no part has a share"
    present = sorted((w for w in shares if _percent(shares[w]) != "0"), key=lambda w: -shares[w])
    words = [
        f"{_percent(shares[w])} {f'isotropic (weight {w})' if w == 0 else f'weight {w}'}"
        for w in present
    ]
    absent = [str(weight) for weight in shares if weight not in present]
    text = ", ".join(words) + (f"; nothing of weight {', '.join(absent)}" if absent else "")
    return f"on average {text}" if taken.batch else text


def _moduli_line(taken: Taken) -> str:
    unit = f" {taken.record.unit}" if taken.record.unit else ""
    written = {
        key: " .. ".join(
            dict.fromkeys(f"{float(value):.6g}" for value in (modulus.min(), modulus.max()))
        )
        for key, modulus in taken.moduli.items()
    }
    return (
        f"K = λ + 2/3 μ = {written['K']}{unit}, G = μ = {written['G']}{unit}: the Voigt averages, "
        "with λ = X(0,0), μ = X(0,1) of the dual basis"
    )


def _say_part(key: tuple[int, int], part: Values, taken: Taken) -> None:
    """Print the numbers of a part: as it is up to weight 2, else packed."""
    weight, copy = key
    packed = weight > 2
    remark = f", packed, m = -{weight} .. {weight} (rule 11)" if packed else ""
    say("", f"X({weight},{copy}){remark}")
    shown = pack_natural(part, weight) if packed else part
    _say_array(shown, 1 if packed else weight, taken.noise)


# --- numbers in print -----------------------------------------------------------------------------


def _number(value: float, noise: float = 0.0) -> str:
    return "0" if abs(value) <= noise else f"{value:.6g}"


def _percent(share: float) -> str:
    """Write a share; what rounding leaves of nothing is 0."""
    if np.isnan(share):
        return "-"
    if share < 1e-20:
        return "0"
    return f"{100 * share:.2f} %" if share >= 5e-5 else f"{100 * share:.2g} %"


def _aligned(matrix: Values, noise: float) -> list[str]:
    """Write the rows of a matrix with the decimal points below each other."""
    texts = [[_number(float(entry), noise) for entry in row] for row in matrix]
    flat = [text for row in texts for text in row]
    if not any("e" in text for text in flat):
        after = max(len(text.partition(".")[2]) for text in flat)
        for row in texts:
            for column, text in enumerate(row):
                missing = after - len(text.partition(".")[2])
                gap = missing + (1 if after and "." not in text else 0)
                row[column] = text + " " * gap
    width = max(len(text) for row in texts for text in row)
    return ["  ".join(text.rjust(width) for text in row).rstrip() for row in texts]


def _say_array(values: Values, rank: int, noise: float) -> None:
    """Print an array: its last axes as matrices, each headed by its place on the axes before.

    The last `rank` axes belong to one tensor, the axes before are a batch.
    """
    if values.ndim < 2:
        say(*(f"  {line}" for line in _aligned(values.reshape(1, -1), noise)))
        return
    leading = values.ndim - min(rank, 2)
    places = list(np.ndindex(values.shape[:leading]))
    for place in places[:MATRICES]:
        if place:
            say(f" {_place(place, values.shape, values.ndim - rank)}")
        block = (
            values[place].reshape((-1, values.shape[-1])) if rank else values[place].reshape(1, 1)
        )
        say(*(f"  {line}" for line in _aligned(block, noise)))
    if len(places) > MATRICES:
        say(f"... {len(places) - MATRICES} more; -o FILE writes all")


def _place(place: tuple[int, ...], shape: tuple[int, ...], batch: int) -> str:
    """Name a place on leading axes: numbers in a batch, letters on the axes of a tensor."""
    words = [f"tensor {', '.join(map(str, place[:batch]))}"] if batch else []
    labels = {3: "xyz", 6: VOIGT_LABELS}
    indices = [labels[size][i] for i, size in zip(place[batch:], shape[batch:], strict=False)]
    return ", ".join(words + ([f"[{', '.join(indices)}]"] if indices else []))


# --- reconstruct ----------------------------------------------------------------------------------


@app.command(
    epilog=examples_of(
        "reconstruct parts.json",
        "reconstruct parts.json --form full -o tensor.npy",
        "reconstruct parts.json --json",
    )
)
def reconstruct(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON that decompose wrote; - reads stdin.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--form",
            metavar="FORM",
            callback=one_of(("auto", *FORMS)),
            help=f"How to write the tensor: {', '.join(FORMS)}; auto is as it was read.",
        ),
    ] = "auto",
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Put a tensor together again from its parts.

    The suffix of the output file names its format: .json, .npy, .csv or .txt.
    """
    if output is not None:
        files.check_suffix(output, files.ARRAY_SUFFIXES)
    record = files.read_parts(file)
    target = record.reduction
    written_as = record.form or files.matrix_form(target) or "full"
    if form != "auto":
        written_as = cast("Form", form)
    values = _put_together(record, written_as)
    document = files.about(target, written_as, record.unit, record.name)
    document["tensor"] = files.plain(values)
    if output is not None:
        files.write_tensor(output, document, values)
    if as_json:
        _say_json(document)
        return
    size = target.components.layout(written_as).shape
    batch = values.shape[: values.ndim - len(size)]
    _say_heading(target, written_as, record.unit, record.name, batch)
    say("")
    noise = ROUNDING * float(np.finfo(values.dtype).eps) * float(np.abs(values).max())
    if written_as == "components" and not batch:
        labels = target.components.labels
        numbers = [_number(float(value), noise) for value in values]
        say_table(("component", ">value"), zip(labels, numbers, strict=True))
    else:
        _say_array(values, len(size), noise)
    if output is not None:
        say("", f"wrote {output}")


def _put_together(record: files.PartsRecord, form: Form) -> Values:
    target = record.reduction
    try:
        target.components.layout(form)
    except SymmetryError as error:
        raise FileError(f"{record.origin}: {error}") from None
    try:
        return cast("Values", target.reconstruct(record.parts, form=form))
    except SymmetryError as error:
        raise RefusedError(
            f"{record.origin}: {str(error).partition('; use invalid=')[0]}"
        ) from None
    except (KeyError, ValueError) as error:
        raise FileError(f"{record.origin}: {error.args[0]}") from None


# --- examples -------------------------------------------------------------------------------------


@app.command(
    "examples",
    epilog=examples_of("examples", "examples quartz", "examples mp-559 --json > C.json"),
)
def list_examples(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this one: a name or a formula.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the crystals shipped with the package, or print one.

    With --json, one crystal is printed as a file that decompose reads.
    """
    if name is not None:
        _say_example(examples.load(name), as_json)
        return
    found = [examples.load(word) for word in examples.names()]
    keys = ("name", "formula", "crystal_system", "tensor", "unit", "source")
    rows = [{key: getattr(example, key) for key in keys} for example in found]
    if as_json:
        _say_json({"examples": rows})
        return
    say_table([key.replace("_", " ") for key in keys], [tuple(row.values()) for row in rows])
    say("", "`natural-tensors decompose --example NAME` takes one apart")


def _say_example(example: examples.Example, as_json: bool) -> None:
    form = cast("Form", example.form)
    if as_json:
        target = reduction(example.tensor)
        document = files.about(target, form, example.unit, example.name)
        _say_json(document | {"source": example.source, "tensor": files.plain(example.values)})
        return
    group = f", point group {example.point_group}" if example.point_group else ""
    group += f", space group {example.spacegroup}" if example.spacegroup else ""
    say(Text(example.title, style="bold"))
    _say_facts(
        {
            "name": example.name,
            "formula": example.formula,
            "symmetry": example.crystal_system + group,
            "tensor": f"{example.tensor}, in {example.unit}",
            "form": f"{files.times(example.values.shape)} ({FORM_MEANS[form]})",
            "source": example.source,
        }
    )
    say("", *(f"  {line}" for line in _aligned(example.values, 0.0)))


# --- the pieces of a network ----------------------------------------------------------------------


@app.command(
    "harmonic", epilog=examples_of("harmonic 2", "harmonic 4 --normalization component --json")
)
def show_harmonic(
    weight: Annotated[int, typer.Argument(metavar="WEIGHT", min=0, help="0, 1, 2, ...")],
    normalization: NormalizationOption = "legendre",
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the harmonic of a direction n = (x, y, z): n times n ..., made traceless."""
    found = harmonic(weight, cast("Normalization", normalization))
    rows = [
        (m, polynomial, radicand)
        for m, (polynomial, radicand) in enumerate(found.exact(), start=-weight)
    ]
    if as_json:
        packed = [
            {"m": m, "text": _polynomial(p, r, TEXT), "latex": _polynomial(p, r, LATEX)}
            for m, p, r in rows
        ]
        _say_json(
            {
                "weight": weight,
                "normalization": normalization,
                "squared_norm": str(found.squared_norm),
                "formula": {"text": found.formula(), "latex": found.latex()},
                "packed": packed,
            }
        )
    elif latex:
        say(found.latex())
    else:
        say(Text(f"Harmonic of weight {weight}, {normalization}", style="bold"), "")
        say(f"{found}", "", f"squared norm {found.squared_norm}; packed, on the unit sphere:", "")
        say_table((">m", "component"), [(str(m), _polynomial(p, r, TEXT)) for m, p, r in rows])


def _polynomial(polynomial: Polynomial, radicand: Fraction, notation: Notation) -> str:
    """Write ``sqrt(radicand) * polynomial`` in x, y, z."""
    groups = [
        (Fraction(coefficient), [(1, _monomial(powers, notation))])
        for powers, coefficient in polynomial.items()
    ]
    return notation.combination(groups, radicand)


def _monomial(powers: Sequence[int], notation: Notation) -> str:
    raised = []
    for letter, power in zip("xyz", powers, strict=True):
        exponent = f"^{{{power}}}" if notation is LATEX else str(power).translate(SUPERSCRIPT)
        raised.append("" if power == 0 else letter if power == 1 else letter + exponent)
    return notation.factors(*raised)


SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@app.command(
    "coupling", epilog=examples_of("coupling 1 1 1", "coupling 2 2 4 --normalization orthonormal")
)
def show_coupling(
    l1: Annotated[int, typer.Argument(metavar="L1", min=0, help="Weight of the first, X.")],
    l2: Annotated[int, typer.Argument(metavar="L2", min=0, help="Weight of the second, Y.")],
    l3: Annotated[int, typer.Argument(metavar="L3", min=0, help="Weight of the product, Z.")],
    normalization: NormalizationOption = "legendre",
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the equivariant product of two natural tensors in a third."""
    try:
        found = coupling(l1, l2, l3, cast("Normalization", normalization))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if latex:
        say(found.latex())
        return
    entries = found.exact()
    rows = (
        {
            "m": [i - l1, j - l2, k - l3],
            "exact": TEXT.combination([(number, [(1, "")])], radicand),
            "value": float(number) * float(radicand) ** 0.5,
        }
        for (i, j, k), (number, radicand) in entries.items()
    )
    if as_json:
        _say_json(
            {
                "weights": [l1, l2, l3],
                "normalization": normalization,
                "odd": found.odd,
                "formula": {"text": found.formula(), "latex": found.latex()},
                "entries": list(rows),
            }
        )
        return
    say(Text(f"Coupling of weights {l1} and {l2} to {l3}, {normalization}", style="bold"), "")
    say(f"{found}", "", f"{len(entries)} packed entries that are not zero:", "")
    say_table(
        (">m1", ">m2", ">m3", ">exact", ">value"),
        [
            (*map(str, row["m"]), row["exact"], f"{row['value']:.6f}")
            for row in islice(rows, ENTRIES)
        ],
    )
    if len(entries) > ENTRIES:
        say(f"... {len(entries) - ENTRIES} more; --json prints all")
