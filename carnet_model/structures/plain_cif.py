"""Plain CIF files, read without pymatgen, to the same structure.

Plain is what nearly all files of ordered crystals are: cell, operations written as ``x,y,z`` or the
symbol of a space group in its usual setting, sites with one element each. Whatever else a data
block holds or leaves out (partial occupancy, oxidation numbers, magnetic moments, a formula that
the atoms do not make up, anything that is wrong) is left to pymatgen, which then says what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from natural_tensors.arrays import Floats, Integers

from .periodic_table import SYMBOLS, electronegativities, number_of

Items = dict[str, str | list[str]]
"""The values of a data block by key: text, or the column of a loop."""

OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
GROUPS = (
    "_symmetry_space_group_name_H-M",
    "_symmetry_space_group_name_H_M",
    "_space_group_name_Hall",
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_hall",
    "_symmetry_space_group_name_h-m",
)
"""Names of a space group in the order in which they count where no operations are listed."""

PLACES = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
LENGTHS = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")
SYMBOL, LABEL, OCCUPANCY = "_atom_site_type_symbol", "_atom_site_label", "_atom_site_occupancy"
FORMULA = "_chemical_formula_sum"

READ = frozenset(
    (*OPERATIONS, *GROUPS, *PLACES, *LENGTHS, *ANGLES, SYMBOL, LABEL, OCCUPANCY, FORMULA)
)
LOWER = frozenset(key.lower() for key in READ)

NOT_PLAIN = re.compile(r"magn|moment|modulation|wave_vector|transform|oxidation|attached_hydrogen")
"""Parts of keys that make a block more than plain."""

THIRDS = (1 / 3, 2 / 3)
"""Coordinates that files round, and that are restored."""

RATIO = 0.01
"""How far the ratios of atoms and stated formula may differ between the elements."""

THINNEST = 0.02
"""Least distance of two faces of a cell, angstrom."""

LARGEST = 3_000_000
"""Pairs of images of sites that are compared."""

_TOKEN = re.compile(r"'([^']*)'(?!\S)|\"([^\"]*)\"(?!\S)|([^'\"\s]\S*)")
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\(\d+\))?")
_TERM = re.compile(r"([+-]?)(?:(\d+\.?\d*|\.\d+)(?:/(\d+\.?\d*))?|([xyz]))")
_SYMBOL = re.compile(r"([A-Z][a-z]?)(?:[\d+-]\S*)?")
_PART = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*|)")


class NotPlainError(Exception):
    """A block that is left to pymatgen."""


class Sites(NamedTuple):
    """A structure: atomic numbers, Cartesian positions and lattice vectors, angstrom."""

    numbers: Integers
    positions: Floats
    cell: Floats


def plain_structure(block: str, tolerance: float) -> Sites | None:
    """Return the structure of a data block, as pymatgen reads it; None unless the block is plain.

    Args:
        block: the text, checked for letters that are not ASCII.
        tolerance: how far, in fractions of the cell, coordinates are moved to n/3, and sites are
            one and the same.
    """
    try:
        return _structure(_items(block), tolerance)
    except NotPlainError:
        return None


def _items(block: str) -> Items:
    """Return keys and values of a data block."""
    tokens = list(_tokens(block))
    items: Items = {}
    at = 1  # after data_
    while at < len(tokens):
        token, quoted = tokens[at]
        if quoted:
            raise NotPlainError
        if token.startswith("_"):
            if at + 1 == len(tokens) or _is_name(*tokens[at + 1]):
                raise NotPlainError
            _add(items, token, tokens[at + 1][0])
            at += 2
        elif token == "loop_":
            names, columns, at = _loop(tokens, at + 1)
            for name, column in zip(names, columns, strict=True):
                _add(items, name, column)
        else:
            raise NotPlainError
    return items


def _tokens(block: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a block, and whether each was in quotes."""
    lines = block.encode("ascii", "ignore").decode().splitlines()
    if not re.fullmatch(r"\s*data_\S*\s*", lines[0]) or "powder_pattern" in lines[0]:
        raise NotPlainError
    text: list[str] | None = None  # a value of several lines
    for line in lines:
        if line.startswith(";"):
            if text is None:
                text = [line[1:].strip()]
            elif line.strip() == ";":
                yield " ".join(text), True
                text = None
            else:
                raise NotPlainError
        elif text is not None:
            text.append(line)
        elif not line.lstrip().startswith("#"):
            if "#" in line or _TOKEN.sub("", line).strip():
                raise NotPlainError
            for match in _TOKEN.finditer(line):
                yield match[3] or match[1] or match[2] or "", match[3] is None
    if text is not None:
        raise NotPlainError


def _is_name(token: str, quoted: bool) -> bool:
    return not quoted and token.startswith(("_", "loop_"))


def _loop(tokens: list[tuple[str, bool]], at: int) -> tuple[list[str], list[list[str]], int]:
    """Return names and columns of a loop, and where it ends."""
    names: list[str] = []
    while at < len(tokens) and _is_name(*tokens[at]) and tokens[at][0] != "loop_":
        names.append(tokens[at][0])
        at += 1
    values: list[str] = []
    while at < len(tokens) and not _is_name(*tokens[at]):
        values.append(tokens[at][0].strip())
        at += 1
    if not names or not values or len(values) % len(names):
        raise NotPlainError
    return names, [values[column :: len(names)] for column in range(len(names))], at


def _add(items: Items, name: str, value: str | list[str]) -> None:
    """Add a value; a key that is spelt otherwise than it is read, or given twice, is not plain."""
    if name in items or NOT_PLAIN.search(name.lower()):
        raise NotPlainError
    if name not in READ and name.lower() in LOWER:
        raise NotPlainError
    items[name] = value


def _structure(items: Items, tolerance: float) -> Sites:
    cell = _cell(*(_number(_text(items, key)) for key in (*LENGTHS, *ANGLES)))
    operations = _operations(items)
    labels = _column(items, LABEL)
    symbols = _column(items, SYMBOL) if SYMBOL in items else labels
    columns = [_column(items, key) for key in PLACES]
    lengths = {len(labels), len(symbols), *map(len, columns)}
    if OCCUPANCY in items:
        shares = _column(items, OCCUPANCY)
        lengths.add(len(shares))
        if any(_number(share) != 1 for share in shares):
            raise NotPlainError
    if len(lengths) > 1:
        raise NotPlainError
    sites = [
        [_restored(_number(text), tolerance) for text in row] for row in zip(*columns, strict=True)
    ]
    numbers = [_element(symbol) for symbol in symbols]
    found = _images(numbers, sites, operations, tolerance)
    order = sorted(found, key=lambda number: (electronegativities()[number], SYMBOLS[number]))
    elements = [number for number in order for _ in found[number]]
    _check_formula(items, {number: len(found[number]) for number in order})
    places = np.array([place for number in order for place in found[number]])
    return Sites(np.array(elements, dtype=np.int64), places @ cell, cell)


def _text(items: Items, key: str) -> str:
    value = items.get(key)
    if not isinstance(value, str):
        raise NotPlainError
    return value


def _column(items: Items, key: str) -> list[str]:
    value = items.get(key)
    if not isinstance(value, list):
        raise NotPlainError
    return value


def _number(text: str) -> float:
    """Return a number without the uncertainty in brackets behind it."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise NotPlainError
    return float(match[1])


def _restored(value: float, tolerance: float) -> float:
    return next((third for third in THIRDS if abs(value / third - 1) <= tolerance), value)


def _element(symbol: str) -> int:
    """Return the atomic number of a symbol with a charge, or of a label, such as Si, O2-, Fe1a."""
    match = _SYMBOL.fullmatch(symbol)
    number = number_of(match[1]) if match else None
    if number is None or np.isnan(electronegativities()[number]):
        raise NotPlainError
    return number


def _cell(a: float, b: float, c: float, alpha: float, beta: float, gamma: float) -> Floats:
    """Return lattice vectors as rows, c along z and a in the xz plane."""
    if min(a, b, c, alpha, beta, gamma) <= 0 or max(alpha, beta, gamma) >= 180:
        raise NotPlainError
    cosines = np.cos(np.radians([alpha, beta, gamma]))
    sines = np.sin(np.radians([alpha, beta, gamma]))
    reciprocal = (cosines[0] * cosines[1] - cosines[2]) / (sines[0] * sines[1])
    star = np.arccos(np.clip(reciprocal, -1, 1))  # the angle of the reciprocal vectors a*, b*
    cell = np.array(
        [
            [a * sines[1], 0.0, a * cosines[1]],
            [-b * sines[0] * np.cos(star), b * sines[0] * np.sin(star), b * cosines[0]],
            [0.0, 0.0, c],
        ]
    )
    volume = abs(float(np.linalg.det(cell)))
    faces = [np.linalg.norm(np.cross(cell[i - 2], cell[i - 1])) for i in range(3)]
    if not volume > THINNEST * max(faces):
        raise NotPlainError
    return cell


def _operations(items: Items) -> list[Floats]:
    """Return the operations as matrices of shape ``(4, 4)``, for places and a one behind them."""
    if any(f"{key}_" in items for key in (*OPERATIONS, *GROUPS)):
        raise NotPlainError
    key = next((key for key in OPERATIONS if key in items), None)
    if key is not None:
        value = items[key]
        return [_operation(text) for text in ([value] if isinstance(value, str) else value)]
    name = next((key for key in GROUPS if key in items), None)
    if name is None:
        raise NotPlainError
    operations = space_group(re.sub(r"[\s_]", "", _text(items, name)))
    if operations is None:
        raise NotPlainError
    return operations


@cache
def space_group(symbol: str) -> list[Floats] | None:
    """Return the operations of a space group as pymatgen orders them; None when it is unknown.

    Args:
        symbol: of Hermann and Mauguin, without spaces and underscores.
    """
    table = _space_groups()
    if symbol not in table["groups"]:
        return None
    operations = []
    for word in table["groups"][symbol].split():
        number, _, shift = word.partition(":")
        matrix = np.eye(4)
        entries = table["rotations"][int(number)].split()
        matrix[:3, :3] = np.array(entries, dtype=np.float64).reshape(3, 3)
        matrix[:3, 3] = [int(part) / 24 for part in (shift or "0.0.0").split(".")]
        operations.append(matrix)
    return operations


@cache
def _space_groups() -> dict[str, Any]:
    text = files(__package__).joinpath("space_groups.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _operation(text: str) -> Floats:
    matrix = np.eye(4)
    matrix[:3] = 0
    rows = text.replace(" ", "").lower().split(",")
    if len(rows) != 3:
        raise NotPlainError
    for row, words in enumerate(rows):
        end, seen = 0, set[int]()
        for match in _TERM.finditer(words):
            sign, over, under, axis = match.groups()
            column = 3 if axis is None else "xyz".index(axis)
            if match.start() != end or column in seen or (end and not sign):
                raise NotPlainError
            end = match.end()
            seen.add(column)
            size = 1.0 if axis else float(over) / (float(under) if under else 1.0)
            matrix[row, column] = -size if sign == "-" else size
        if end != len(words) or not seen:
            raise NotPlainError
    return matrix


def _images(
    numbers: list[int], sites: list[list[float]], operations: list[Floats], tolerance: float
) -> dict[int, list[Floats]]:
    """Return the places of each element, in the cell, each once: images of sites in their order."""
    if len(operations) * len(sites) ** 2 > LARGEST or len(operations) ** 2 > LARGEST:
        raise NotPlainError
    known = np.array(sites)
    found: dict[int, list[Floats]] = {}
    for site, number in enumerate(numbers):
        point = np.append(known[site], 1.0)
        images = np.array([np.dot(operation, point)[:3] for operation in operations])
        if site and _near(images, known[:site], tolerance).any():
            raise NotPlainError  # two sites are one place
        images = images - np.floor(images)
        earlier = found.setdefault(number, [])
        taken = np.zeros(len(images), dtype=bool)
        if earlier:
            taken |= _near(images, np.array(earlier), tolerance).any(axis=1)
        alike = _near(images, images, tolerance)
        for image, place in enumerate(images):
            if not taken[image]:
                earlier.append(place)
                taken |= alike[image]
    return found


def _near(first: Floats, second: Floats, tolerance: float) -> NDArray[np.bool_]:
    """Say which places are the same but for lattice vectors, shape ``(first, second)``."""
    gaps = first[:, None] - second[None]
    gaps -= np.round(gaps)
    return np.asarray((np.abs(gaps) < tolerance).all(axis=2))


def _check_formula(items: Items, counts: dict[int, int]) -> None:
    """Leave a block to pymatgen whose atoms do not make up the formula that it states."""
    if FORMULA not in items:
        return
    stated: dict[int, float] = {}
    for word in _text(items, FORMULA).split():
        match = _PART.fullmatch(word)
        number = number_of(match[1]) if match else None
        if match is None or number is None or number in stated:
            raise NotPlainError
        stated[number] = float(match[2] or 1)
    if stated.keys() != counts.keys() or min(stated.values()) <= 0:
        raise NotPlainError
    ratios = [counts[number] / stated[number] for number in counts]
    if max(ratios) - min(ratios) >= RATIO:
        raise NotPlainError
