"""The command ``natural-tensors generate``: source text from the command line."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from natural_tensors import (
    CONVENTIONS,
    ExpressionError,
    UnknownTensorError,
    __version__,
    catalog,
)
from natural_tensors.decomposition.components import FORMS
from natural_tensors.decomposition.copies import BASES
from natural_tensors.errors import SymmetryError
from natural_tensors.files import saving
from natural_tensors.files.saving import FileError
from natural_tensors.so3.harmonics import NORMALIZATIONS
from natural_tensors.terminal import RefusedError, examples_of, none_or_one_of, one_of, say

from .generation import is_intact, parted, source
from .generation import report as arithmetic
from .pieces.layout import Parity
from .recipes import RECIPES
from .recipes.convolution import Method
from .recipes.recipe import Recipe
from .targets.registry import LANGUAGES, Target

PIECES = tuple(kind for kind in RECIPES if kind not in ("tensor", "expression"))
"""What can be generated besides these two; the words stand where a tensor's name may stand."""

SPELLED = {
    "form": "--from",
    "l1": "L1 L2 L3",
    "symmetry": "--symmetry",
    "tensors": "--with",
    "products": "--no-products",
}
"""Options, and arguments, whose names are not those of the fields of recipes."""


class StaleFileError(RefusedError):
    """A file is not what would be generated now."""


def register(app: typer.Typer) -> None:
    """Add the command to a command line."""
    app.command(
        "generate",
        epilog=examples_of(
            "natural-tensors",
            "generate elastic -o elastic.py",
            "generate --symmetry 'ijk=ikj' --from voigt",
            "generate --expression 'C_ijjk' --with C=elastic",
            "generate elastic --dimension 2 --from voigt",
            "generate harmonics --weight 6 --target numpy",
            "generate coupling 2 2 4",
            "generate rotation --weight 3 --report",
            "generate convolution --weight 2 --parity both --report",
            "generate invariants --symmetry elastic --degree 3 --report",
            "generate product --weight 2",
            "generate product --weight 2 --target cpp -o product.cpp",
            "generate elastic --check elastic.py",
        ),
    )(generate)


def _choice(name: str, allowed: Sequence[str], text: str) -> Any:
    return typer.Option(name, metavar=name[2:].upper(), callback=none_or_one_of(allowed), help=text)


def generate(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="WHAT", help=f"A tensor's name or symmetry, or one of: {', '.join(PIECES)}."
        ),
    ] = None,
    weights: Annotated[
        list[int] | None, typer.Argument(metavar="L1 L2 L3", help="The weights of a coupling.")
    ] = None,
    symmetry: Annotated[
        str | None,
        typer.Option(
            "--symmetry", metavar="RELATIONS", help="Index symmetry, such as 'ijk=ikj' or 'ij=-ji'."
        ),
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option(
            "--expression", metavar="TEXT", help="Index expression, such as 'C_ijkl n_j n_l'."
        ),
    ] = None,
    tensors: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME=CLASS",
            help="Expression: a tensor in it, C=elastic, e=ij=ji or n=i; as often as needed.",
        ),
    ] = None,
    axial: Annotated[bool, typer.Option("--axial", help="Tensor: a pseudo-tensor.")] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORM",
            callback=none_or_one_of(FORMS),
            help=f"Tensor: how it comes and goes: {', '.join(FORMS)}.",
        ),
    ] = None,
    basis: Annotated[
        str | None, _choice("--basis", BASES, "Tensor: dual or orthonormal copies.")
    ] = None,
    dimension: Annotated[
        int | None,
        typer.Option(
            "--dimension", metavar="D", min=2, max=3, help="Tensor: 3 for space, 2 for the plane."
        ),
    ] = None,
    weight: Annotated[
        int | None, typer.Option("--weight", metavar="L", min=0, help="The largest weight.")
    ] = None,
    solid: Annotated[
        bool, typer.Option("--solid", help="Harmonics: polynomials of the vector, not its angles.")
    ] = False,
    cartesian: Annotated[
        bool, typer.Option("--cartesian", help="Harmonics: as natural tensors, not packed.")
    ] = False,
    input_weight: Annotated[
        int | None,
        typer.Option(
            "--input-weight", metavar="L", min=0, help="Convolution: the features' largest weight."
        ),
    ] = None,
    parity: Annotated[
        str | None,
        _choice("--parity", get_args(Parity), "Convolution, product: natural; both; or ignored."),
    ] = None,
    method: Annotated[
        str | None,
        _choice("--method", get_args(Method), "Convolution: in the aligned frame, or direct."),
    ] = None,
    normalization: Annotated[
        str | None,
        _choice(
            "--normalization",
            NORMALIZATIONS,
            f"Of harmonics and couplings: {', '.join(NORMALIZATIONS)} (rules 14 and 15).",
        ),
    ] = None,
    degree: Annotated[
        int | None,
        typer.Option("--degree", metavar="D", min=1, help="Invariants: the highest degree."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="GROUP", help="Invariants: SO(3), or O(3) without pseudoscalars."
        ),
    ] = None,
    no_products: Annotated[
        bool, typer.Option("--no-products", help="Invariants: no products of others.")
    ] = False,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="TARGET",
            callback=one_of(LANGUAGES),
            help=f"{', '.join(LANGUAGES)}.",
        ),
    ] = "torch",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="Print the arithmetic of each function; no code on screen."),
    ] = False,
    check: Annotated[
        str | None,
        typer.Option(
            "--check", metavar="FILE", help="Say whether a file is what would be generated now."
        ),
    ] = None,
) -> None:
    """Write code for a tensor or a piece of a network; it needs PyTorch, NumPy or a compiler only.

    A tensor gives the functions decompose, reconstruct, pack and unpack; an expression evaluate
    and its gradient evaluate_vjp, of independent components; so do the invariants of a tensor
    that --symmetry names.

    Without -o the code goes to the screen. --check exits with 1 for another file.
    """
    if check is not None and output is not None:
        raise typer.BadParameter("give --check or --output, not both")
    stated = {
        "expression": expression,
        "tensors": _declared(tensors),
        "axial": axial or None,
        "form": form,
        "basis": basis,
        "dimension": dimension,
        "weight": weight,
        "solid": solid or None,
        "cartesian": cartesian or None,
        "input_weight": input_weight,
        "parity": parity,
        "method": method,
        "normalization": normalization,
        "degree": degree,
        "group": group,
        "products": False if no_products else None,
    }
    options = {name: value for name, value in stated.items() if value is not None}
    recipe = _recipe(what, tuple(weights or ()), symmetry, options)
    language = cast("Target", target)
    suffix = Path(output).suffix if output is not None else ""
    if suffix != LANGUAGES[language].suffix and suffix in {
        one.suffix for one in LANGUAGES.values()
    }:
        raise typer.BadParameter(
            f"{output}: code for {language} is written to {LANGUAGES[language].suffix}\n"
            f"name another file, or another --target: {', '.join(LANGUAGES)}"
        )
    if check is not None:
        _check(check, recipe, language)
        say(f"{check} is what would be generated now")
    elif output is not None:
        text = source(recipe, language)
        saving.write_bytes(output, text.encode())
        say(f"wrote {output}: {text.count(chr(10))} lines, {recipe.title}")
    elif not report:
        sys.stdout.write(source(recipe, language))
    if report:
        say(arithmetic(recipe, language))


# --- what is asked for --------------------------------------------------------------------------


def _recipe(
    what: str | None, weights: tuple[int, ...], symmetry: str | None, options: Mapping[str, Any]
) -> Recipe:
    if what == "invariants" and symmetry is not None:
        options, symmetry = {"symmetry": symmetry, **options}, None
    stated = [what, symmetry, options.get("expression")]
    if len(stated) - stated.count(None) > 1:
        raise typer.BadParameter("give WHAT, --symmetry or --expression, only one of them")
    text = next((each for each in stated if each is not None), None)
    if text is None:
        raise typer.BadParameter(
            "name a tensor, give its --symmetry 'ijk=ikj', an --expression 'C_ijkl n_j n_l', or "
            f"name one of {', '.join(PIECES)}"
        )
    kind = what if what in PIECES else "tensor"
    if "expression" in options:
        kind, options = "expression", {"tensors": (), **options}
    if what is not None and kind == "tensor":
        _check_spelling(what)
    made = RECIPES[kind]
    arguments = dict(options)
    if kind == "tensor":
        arguments["symmetry"] = text
    if kind == "coupling":
        if len(weights) != 3:
            raise typer.BadParameter("a coupling has three weights: generate coupling 2 2 4")
        arguments |= zip(("l1", "l2", "l3"), weights, strict=True)
    elif weights:
        given = " ".join(map(str, weights))
        raise typer.BadParameter(f"only a coupling is followed by weights, got {given}")
    known = {field.name: field for field in fields(made)}
    for name in arguments:
        if name not in known:
            fitting = [_option(other) for other in known if other not in ("l1", "l2", "l3")]
            raise typer.BadParameter(
                f"{_option(name)} does not go with {_kind_name(kind)}; "
                f"what does: {', '.join(fitting)}"
            )
    for name, field in known.items():
        if field.default is MISSING and name not in arguments:
            raise typer.BadParameter(_missing(kind, name))
    try:
        return made(**arguments)
    except (ExpressionError, SymmetryError, UnknownTensorError):
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _declared(given: Sequence[str] | None) -> tuple[tuple[str, str], ...] | None:
    """Read what ``--with`` says: a name and, after the first equals sign, a class."""
    if not given:
        return None
    declarations: list[tuple[str, str]] = []
    for text in given:
        name, equals, declared = (part.strip() for part in text.partition("="))
        if not (name and equals and declared):
            raise typer.BadParameter(f"--with {text!r} is not NAME=CLASS, such as C=elastic or n=i")
        if name in dict(declarations):
            raise typer.BadParameter(f"--with declares {name} twice")
        declarations.append((name, declared))
    return tuple(declarations)


def _option(name: str) -> str:
    return SPELLED.get(name, "--" + name.replace("_", "-"))


def _kind_name(kind: str) -> str:
    return {"tensor": "a tensor", "expression": "an expression"}.get(kind, kind)


def _missing(kind: str, name: str) -> str:
    example = "elastic" if name == "symmetry" else "3"
    message = f"{kind} needs {_option(name)}, such as {_option(name)} {example}"
    if kind in catalog:
        entry = catalog[kind]
        message += f"; for the tensor of that name give --symmetry '{entry.symmetry}'"
    return message


def _check_spelling(what: str) -> None:
    """Refuse a word that is nearer to a piece than to any tensor."""
    if what in catalog or "=" in what:
        return
    near = get_close_matches(what, [*PIECES, *catalog], n=3)
    if near and near[0] in PIECES:
        raise typer.BadParameter(f"there is nothing {what!r}. The nearest: {', '.join(near)}.")


# --- is a file what it would be -------------------------------------------------------------------


def _check(path: str, recipe: Recipe, target: Target) -> None:
    try:
        text = Path(path).read_bytes().decode()
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StaleFileError(f"{path} is not text, so nothing that was generated") from None
    expected = source(recipe, target)
    if text != expected:
        reasons = differences(text, expected)
        raise StaleFileError("\n".join([f"{path} is not what would be generated now", *reasons]))


def differences(text: str, expected: str) -> list[str]:
    """Say why a file is not the module that is generated now."""
    stated, wanted = _provenance(text), _provenance(expected)
    if not stated:
        return ["it has no header of natural-tensors: something else wrote it"]
    reasons = []
    if stated["version"] != wanted["version"] or stated["conventions"] != wanted["conventions"]:
        reasons.append(
            f"natural-tensors {stated['version']} (conventions {stated['conventions']}) wrote it, "
            f"this is {__version__} (conventions {CONVENTIONS})"
        )
    reasons += [
        f"its {key} is {stated[key]}, asked for is {wanted[key]}"
        for key in ("recipe", "target")
        if stated[key] != wanted[key]
    ]
    if not is_intact(text):
        reasons.append("it was edited: its text does not have the hash that its header states")
    if not reasons:
        lines = zip(text.splitlines(), expected.splitlines(), strict=False)
        place = next((n for n, (a, b) in enumerate(lines, 1) if a != b), None)
        reasons.append(
            "the same recipe and version gave other text"
            + (f", from line {place}" if place else "")
        )
    return reasons


PROVENANCE = re.compile(
    r"Generated by natural-tensors (?P<version>\S+), conventions (?P<conventions>\d+);.*?"
    r"^ *recipe +(?P<recipe>[^\n]+)\n *target +(?P<target>[^\n]+)\n *sha256 +[0-9a-f]+$",
    re.DOTALL | re.MULTILINE,
)


def _provenance(text: str) -> dict[str, str]:
    """Return what a heading states; nothing when there is none."""
    lines, _ = parted(text)
    match = PROVENANCE.search("\n".join(lines))
    return match.groupdict() if match else {}
