"""The command ``elasticity``: what follows from a stiffness in symbols, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from ..crystals.forms import form
from ..crystals.point_groups import PointGroup, PointGroupError, point_group
from ..decomposition.reductions import reduction
from ..errors import SymmetryError
from ..exact.symbols import Expression, canonical
from ..files import reading, recognition
from ..files.exact_entries import symbol
from ..symbolic.blocks import rotations_of, strain_blocks
from ..symbolic.stability import Stability
from ..symbolic.stiffness import NORMAL, SymbolicStiffness, direction_of, stiffness
from ..symbolic.waves import WaveModes
from ..terminal import RefusedError, examples_of, say, say_facts, say_json
from .app import app
from .expressions import (
    LONGEST_PRINTED,
    asked_direction,
    asked_expression,
    entries_of,
    entry_lines,
    matrix_lines,
    shown,
    tidy,
    to_strings,
)
from .form import asked_group
from .options import JsonOption, LatexOption

Direction = tuple[Expression, ...]

SUFFIXES = (".json", ".csv", ".txt", ".npy")
LAUE = ("m-3m", "6/mmm", "6/m", "4/mmm", "4/m", "-3m", "-3", "mmm", "2/m")
"""Groups, in standard axes, that a matrix is tried for, the highest first."""
MOST_CONSTANTS = 9
"""With more constants, Reuss averages and E(n) are written in the compliances S11, S12, ..."""
LARGEST_BLOCK = 4
"""The characteristic polynomial of a larger block is not expanded."""
WIDEST = 110
"""Characters of a row up to which a matrix is printed as one; else its entries, a line each."""


@dataclass(frozen=True)
class Results:
    """What the command tells about one stiffness.

    Attributes:
        crystal: the stiffness.
        along: directions of the waves; those that were asked for, or the axes of the crystal.
        asked: whether they were asked for.
        pressure: of the stability conditions; None at zero load.
    """

    crystal: SymbolicStiffness
    along: tuple[Direction, ...]
    asked: bool
    pressure: Expression | None

    @cached_property
    def in_compliances(self) -> bool:
        """Whether E(n) and Reuss's moduli are left in the entries of the compliance."""
        return len(self.crystal.constants) > MOST_CONSTANTS

    @cached_property
    def averages(self) -> dict[str, Expression]:
        """K and G of Voigt and Reuss, by their usual symbols; Zener's ratio of a cubic crystal."""
        found = {"K_V": self.crystal.voigt.bulk, "G_V": self.crystal.voigt.shear}
        if self.in_compliances:
            s = self._compliances
            trace, sides = s[0, 0] + s[1, 1] + s[2, 2], s[0, 1] + s[0, 2] + s[1, 2]
            shears = s[3, 3] + s[4, 4] + s[5, 5]
            found["K_R"] = 1 / canonical(trace + 2 * sides)
            found["G_R"] = 15 / canonical(4 * trace - 4 * sides + 3 * shears)
        else:
            found |= {"K_R": self.crystal.reuss.bulk, "G_R": self.crystal.reuss.shear}
        if self.crystal.group.system in ("cubic", "spherical"):
            found["A"] = self.crystal.zener
        return found

    @cached_property
    def _compliances(self) -> Expression:
        return form("compliance", self.crystal.group).to_sympy()

    @cached_property
    def youngs(self) -> tuple[tuple[str, Expression], ...]:
        """E(n), or E along each direction asked for, with its name."""
        if not self.asked:
            return (("E(n)", 1 / self._along_normal),)
        if self.in_compliances:
            values = [self._along_normal.subs(self._unit(n)) for n in self.along]
            return tuple(
                (f"E{direction_text(n)}", 1 / canonical(value))
                for n, value in zip(self.along, values, strict=True)
            )
        return tuple((f"E{direction_text(n)}", self.crystal.youngs_modulus(n)) for n in self.along)

    @staticmethod
    def _unit(direction: Direction) -> dict[Expression, Expression]:
        import sympy

        n, square = direction_of(direction)
        return {
            symbol(name): part / sympy.sqrt(square) for name, part in zip(NORMAL, n, strict=True)
        }

    @cached_property
    def _along_normal(self) -> Expression:
        """``S_ijkl n_i n_j n_k n_l``, powers of n with the same coefficient together."""
        import sympy

        given = self._compliances if self.in_compliances else self.crystal.compliance
        soft = reduction("compliance").convert(
            given, source="voigt-compliance", target="full", exact=True
        )
        sums: dict[tuple[int, ...], Expression] = {}
        for place in product(range(3), repeat=4):
            key = tuple(sorted(place))
            sums[key] = sums.get(key, sympy.S.Zero) + soft[place]
        powers: dict[Expression, list[Expression]] = {}
        for key, total in sums.items():
            coefficient = tidy(canonical(total))
            powers.setdefault(coefficient, []).append(sympy.Mul(*(symbol(NORMAL[i]) for i in key)))
        return sympy.Add(*(factor * sympy.Add(*terms) for factor, terms in powers.items()))

    @cached_property
    def waves(self) -> tuple[tuple[str, WaveModes], ...]:
        """The waves along each direction."""
        return tuple((direction_text(n), self.crystal.waves(n)) for n in self.along)

    @cached_property
    def kelvin(self) -> tuple[tuple[Expression, int], ...]:
        """Kelvin moduli with multiplicities; a large block as the determinant that is 0."""
        import sympy

        blocks = strain_blocks(rotations_of(self.crystal.group))
        if all(block.size <= LARGEST_BLOCK for block in blocks):
            return self.crystal.kelvin_moduli()
        mandel = reduction("elastic").convert(
            self.crystal.matrix, source="voigt", target="mandel", exact=True
        )
        pencil = sympy.Matrix(mandel.tolist()) - sympy.Symbol("λ", real=True) * sympy.eye(6)
        return ((sympy.Eq(sympy.Determinant(pencil), 0), 1),)

    @cached_property
    def stability(self) -> Stability:
        """The conditions at zero load, or under the pressure."""
        return self.crystal.stability(pressure=self.pressure)


def direction_text(direction: Direction) -> str:
    """Write a direction: ``[1 -1 0]``."""
    return f"[{' '.join(map(str, direction))}]"


@app.command(
    "elasticity",
    context_settings={"ignore_unknown_options": True},  # -3m is a group
    epilog=examples_of(
        "natural-tensors",
        "elasticity m-3m",
        "elasticity 4/mmm --direction '1 1 0' --direction '0 0 1'",
        "elasticity -3m --pressure P",
        "elasticity m-3m --latex",
        "elasticity symbols.csv --group mmm --json",
    ),
)
def show_elasticity(
    source: Annotated[
        str,
        typer.Argument(
            metavar="GROUP|FILE",
            help="A point group, such as m-3m, or a 6x6 stiffness of exact entries: JSON or CSV; "
            "- reads stdin.",
        ),
    ],
    direction: Annotated[
        list[str] | None,
        typer.Option(
            "--direction",
            "-d",
            metavar="'H K L'",
            help="Direction of E and of the waves, also in symbols: 'cos(t), sin(t), 0'. May be "
            "given more than once.",
        ),
    ] = None,
    pressure: Annotated[
        str | None,
        typer.Option(
            "--pressure", "-p", metavar="P", help="Stability under this pressure: P, or 10."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "-g",
            metavar="SYMBOL",
            help="Point group of the matrix in a FILE; the highest that leaves it alone in "
            "standard axes when left out.",
        ),
    ] = None,
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write what follows from a stiffness in symbols: moduli, waves, stability; exactly.

    Stiffness and compliance (Voigt matrices), K and G by Voigt and by Reuss, Zener's ratio, Young's
    modulus in a direction n, density times speed squared of plane waves, Cauchy relations, Kelvin
    moduli (eigenvalues of the Mandel matrix), and the necessary and sufficient conditions of
    stability: Born's at zero load, under pressure with Birch's stiffness.
    """
    if source.startswith("--"):
        raise typer.BadParameter(f"there is no option {source}")
    load = None if pressure is None else asked_expression("--pressure", pressure)
    along = tuple(asked_direction("--direction", text) for text in direction or ())
    crystal = _crystal(source, group)
    try:
        _ = crystal.compliance
    except ZeroDivisionError:
        raise RefusedError(f"{source}: the stiffness is singular: it has no compliance") from None
    results = Results(crystal, along or _axes(crystal.group), bool(along), load)
    if as_json:
        say_json(_document(results))
    elif latex:
        say(*_latex_lines(results))
    else:
        _say_results(results)


def _axes(points: PointGroup) -> tuple[Direction, ...]:
    """Return the directions of the waves where none is asked for."""
    import sympy

    cubic = points.system in ("cubic", "spherical")
    rows = ((1, 0, 0), (1, 1, 0), (1, 1, 1)) if cubic else ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    return tuple(tuple(map(sympy.Integer, row)) for row in rows)


def _crystal(source: str, group: str | None) -> SymbolicStiffness:
    """Return the stiffness of a point group, or that in a file."""
    is_file = source == reading.STANDARD_INPUT or Path(source).suffix.lower() in SUFFIXES
    if not is_file:
        try:
            points = point_group(source)
        except PointGroupError as error:
            if not Path(source).is_file():
                raise typer.BadParameter(f"{error}, nor a file of that name") from None
        else:
            if group is not None:
                raise typer.BadParameter("--group goes with a FILE; the argument is a group here")
            return stiffness(points)
    record = reading.read_exact_tensor(source)
    elastic = reduction("elastic")
    asked = elastic if record.tensor is None else None
    found, written, _ = recognition.recognize_class(record, asked)
    if found.symmetry.elements != elastic.symmetry.elements or record.values.ndim != len(
        found.components.layout(written).shape
    ):
        raise typer.BadParameter(f"{source} holds no single stiffness; give one 6x6 matrix")
    try:
        matrix = elastic.convert(record.values, source=written, target="voigt", exact=True)
        if group is not None:
            return stiffness(matrix, asked_group(group))
    except SymmetryError as error:
        raise RefusedError(f"{source}: {str(error).partition('; use invalid=')[0]}") from None
    return _of_highest_group(matrix)


def _of_highest_group(matrix: Expression) -> SymbolicStiffness:
    for name in LAUE:
        try:
            return stiffness(matrix, name)
        except SymmetryError:
            continue
    return stiffness(matrix)


# --- output -----------------------------------------------------------------------------------


def _say_results(results: Results) -> None:
    crystal, averages = results.crystal, results.averages
    say(Text(f"Elasticity under {crystal.group.name}, exactly", style="bold"))
    names = ", ".join(map(str, crystal.constants))
    say_facts({"constants": names or "none; exact numbers", "system": crystal.group.system})
    _say_matrix("stiffness C, Voigt", "C", crystal.matrix)
    _say_matrix("compliance S = C⁻¹, Voigt with its factors 2 and 4", "S", crystal.compliance)
    say("", "K and G by Voigt and by Reuss")
    if results.in_compliances:
        say("  (Reuss and E in the entries of S)")
    say(*(f"  {name} = {shown(averages[name])}" for name in ("K_V", "K_R", "G_V", "G_R")))
    if "A" in averages:
        say("", f"Zener's ratio: {shown(averages['A'])}")
    say("", "Young's modulus" + ("" if results.asked else ", n a unit vector"))
    say(*(f"  {name} = {_youngs_text(name, value)}" for name, value in results.youngs))
    say("", "waves, ρv²")
    for n, modes in results.waves:
        say(f"  {n}  {'; '.join(_wave_texts(modes))}")
    say("", "Cauchy relations: " + (_zeros(crystal.cauchy_relations()) or "all hold"))
    say("", "Kelvin moduli: " + "; ".join(_kelvin_texts(results.kelvin)))
    say("", "stable if and only if" + _load_words(results.pressure))
    say(*(f"  {_condition(condition)} > 0" for condition in results.stability.conditions))


def _say_matrix(title: str, letter: str, matrix: Expression) -> None:
    entries = entries_of(matrix)
    longest = max(len(str(entry)) for entry in entries.flat)
    if longest > LONGEST_PRINTED:
        say("", f"{title}: entries of up to {longest} characters, which --json has")
        return
    lines = matrix_lines(entries)
    if max(map(len, lines)) > WIDEST:
        lines = entry_lines(letter, entries)
    say("", title, *(f"  {line}" for line in lines))


def _youngs_text(name: str, value: Expression) -> str:
    """Write Young's modulus; E(n) is collected by the powers of n and stays so."""
    text = str(value)
    return text if name == "E(n)" and len(text) <= LONGEST_PRINTED else shown(value)


def _wave_texts(modes: WaveModes) -> Iterator[str]:
    for square in dict.fromkeys(modes.squares):
        count = modes.squares.count(square)
        yield shown(square) + (f" (x{count})" if count > 1 else "")
    if modes.polynomial is not None:
        yield f"roots x of {shown(modes.polynomial)}"


def _kelvin_texts(moduli: Sequence[tuple[Expression, int]]) -> Iterator[str]:
    for value, count in moduli:
        text = shown(value) if not value.is_Relational else f"roots λ of {shown(value.lhs)} = 0"
        yield text + (f" (x{count})" if count > 1 else "")


def _zeros(relations: Sequence[Expression]) -> str:
    return ", ".join(f"{shown(relation)} = 0" for relation in relations)


def _condition(condition: Expression) -> str:
    return str(condition) if condition.is_number else shown(condition)


def _load_words(pressure: Expression | None) -> str:
    return ", at zero load" if pressure is None else f", under the pressure {pressure}"


def _document(results: Results) -> dict[str, Any]:
    crystal, averages = results.crystal, results.averages
    zener = averages.get("A")
    pressure = results.pressure
    names = {str(s) for s in crystal.constants}
    names |= {str(s) for n in results.along for value in n for s in value.free_symbols}
    names |= set() if pressure is None else {str(s) for s in pressure.free_symbols}
    in_s = results.in_compliances
    return {
        "group": crystal.group.symbol,
        "symbols": sorted(names),
        "stiffness": to_strings(crystal.matrix),
        "compliance": to_strings(crystal.compliance),
        "voigt": {"K": str(averages["K_V"]), "G": str(averages["G_V"])},
        "reuss": {"K": str(averages["K_R"]), "G": str(averages["G_R"])},
        "reuss_and_youngs_in": "compliance" if in_s else "stiffness",
        "zener": None if zener is None else str(zener),
        "youngs": {name: str(value) for name, value in results.youngs},
        "waves": [
            {
                "direction": n,
                "squares": [str(square) for square in modes.squares],
                "polynomial": None if modes.polynomial is None else str(modes.polynomial),
            }
            for n, modes in results.waves
        ],
        "cauchy": [str(relation) for relation in crystal.cauchy_relations()],
        "kelvin": [_kelvin_entry(value, count) for value, count in results.kelvin],
        "pressure": None if pressure is None else str(pressure),
        "stability": [str(condition) for condition in results.stability.conditions],
    }


def _kelvin_entry(value: Expression, count: int) -> dict[str, str | int]:
    kind: Literal["polynomial", "modulus"] = "polynomial" if value.is_Relational else "modulus"
    return {kind: str(value.lhs if value.is_Relational else value), "multiplicity": count}


def _latex_lines(results: Results) -> Iterator[str]:
    """Yield every formula in LaTeX, a line each, as rows of an aligned environment."""
    import sympy

    crystal = results.crystal

    def tex(value: Expression) -> str:
        return str(sympy.latex(tidy(value)))

    rows = [f"C &= {sympy.latex(crystal.matrix)}", f"S &= {sympy.latex(crystal.compliance)}"]
    for name, value in results.averages.items():
        letter, _, index = name.partition("_")
        rows.append(f"{letter}{f'_{{{index}}}' if index else ''} &= {tex(value)}")
    rows += [
        f"{name} &= {sympy.latex(value) if name == 'E(n)' else tex(value)}"
        for name, value in results.youngs
    ]
    for n, modes in results.waves:
        values = [tex(square) for square in modes.squares]
        if modes.polynomial is not None:
            values.append(rf"x : {tex(modes.polynomial)} = 0")
        label = n.replace(" ", r"\,")
        rows.append(rf"\rho v^2_{{{label}}} &= " + r",\; ".join(values))
    rows += [f"0 &= {tex(relation)}" for relation in crystal.cauchy_relations()]
    moduli = [str(sympy.latex(value if value.is_Relational else tidy(value)))
              for value, count in results.kelvin for _ in range(count)]  # fmt: skip
    rows.append(r"\lambda &\in \left\{" + r",\; ".join(moduli) + r"\right\}")
    rows += [f"0 &< {sympy.latex(condition)}" for condition in results.stability.conditions]
    yield r"\begin{aligned}"
    yield from (f"{row} \\\\" for row in rows[:-1])
    yield rows[-1]
    yield r"\end{aligned}"
