"""Damage to good files: of bytes, of lines, of words and numbers, of the tree of JSON.

Every case follows from its seed alone, so that a finding can be made again.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

NUMBERS = [
    "0", "-0", "-1", "1", "2", "3", "7", "118", "119", "1e-9", "1e9", "1e308", "-1e308", "1e999",
    "nan", "inf", "-inf", "1000000000000", "9223372036854775808", "9" * 400, "9" * 5000, "0.1.2",
    "1,5", "1d0", "0x10", "1_000", "1e", "+", "٣", "²", "",
]  # fmt: skip
WORDS = [
    "X", "D", "Xx", "Uuo", "Si4+", "null", "true", "false", "[]", "{}", "''", '"', "'", "\0",
    "\x1b[31m", "\ufeff", "é", "😀", "../../x", "=1+1", "a" * 10_000, "data_", "loop_",
    "_cell_length_a", "P 1", "Fm-3m", "Selective dynamics", "Cartesian", "Direct", 'pbc="T T F"',
    'Lattice="1 0 0 0 1 0 0 0 1"', "Properties=species:S:1:pos:R:3", "#", ";", "&a", "*a", "~",
    "!!python/object:os.system", "${HOME}", "(", ")", "sqrt(", "C11 - C12", "1/0", "@module", "-",
    "numpy", "array", "--", "**", "\t", "\r",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 0.5, 1e308, -1e-308, 10**30, float("nan"), float("inf"), "",
    "x", "\0", [], {}, [[]], [None], ["x"], {"a": 1}, [1, 2, 3], [[1, 2], [3]], [0] * 1000,
    {"@module": "numpy", "@class": "array", "dtype": "complex128", "data": [[1], [1]]}, "9" * 5000,
    {"@module": "os", "@class": "system", "@version": "1"}, [[[[[[[[1]]]]]]]],
]  # fmt: skip

_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[^\s,;:=\[\]{}\"']+")

Draw = random.Random
Mutation = Callable[[Draw, bytes], bytes]


def mutated(draw: Draw, content: bytes, name: str) -> bytes:
    """Return a damaged copy of a good file: one to four changes, of the kinds that fit it."""
    if name.endswith(".pt2") and draw.random() < 0.7:
        return of_archive(draw, content)
    packed = name.endswith(".gz") and draw.random() < 0.7  # else the packed bytes are damaged
    if packed:
        content = gzip.decompress(content)
    textual = not name.endswith((".npy", ".db", ".safetensors", ".pt2", ".gz")) or packed
    kinds = [of_bytes] * (1 if textual else 4) + [of_lines, of_words] * textual
    if textual and name.removesuffix(".gz").endswith(".json"):
        kinds += [of_tree] * 3
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice(kinds)(draw, content)
    return gzip.compress(content, mtime=0) if packed else content


def of_bytes(draw: Draw, content: bytes) -> bytes:
    """Change, insert, remove, double or cut off bytes."""
    if not content:
        return bytes(draw.randrange(256) for _ in range(draw.randrange(64)))
    place = draw.randrange(len(content))
    length = draw.choice((1, 1, 2, 8, 64, len(content) // 3 + 1))
    noise = bytes(draw.randrange(256) for _ in range(min(length, 64)))
    before, inside, after = content[:place], content[place : place + length], content[place:]
    return draw.choice(
        (
            before + noise + content[place + len(noise) :],
            before + noise + after,
            before + content[place + length :],
            before + inside + after,
            before,
            before + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :],
        )
    )


def of_archive(draw: Draw, content: bytes) -> bytes:
    """Damage the JSON, or another entry, of an archive that stays whole."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as good, zipfile.ZipFile(buffer, "w") as bad:
        names = good.namelist()
        chosen = draw.choice([name for name in names if name.endswith(".json")] + names[:1])
        for name in names:
            held = good.read(name)
            if name == chosen:
                held = of_tree(draw, held) if name.endswith(".json") else of_bytes(draw, held)
            bad.writestr(name, held)
    return buffer.getvalue()


def of_lines(draw: Draw, content: bytes) -> bytes:
    """Remove, double, exchange or repeat lines."""
    lines = content.splitlines(keepends=True)
    if len(lines) < 2:
        return of_words(draw, content)
    first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randrange(5):
        case 0:
            del lines[first]
        case 1:
            lines.insert(second, lines[first])
        case 2:
            lines[first], lines[second] = lines[second], lines[first]
        case 3:
            lines[first:first] = [lines[second]] * draw.choice((10, 300))
        case _:
            lines[first] = draw.choice(WORDS).encode() + b"\n"
    return b"".join(lines)


def of_words(draw: Draw, content: bytes) -> bytes:
    """Put another number in place of one, or another word in place of one."""
    text = content.decode("utf-8", errors="surrogateescape")
    pattern, others = draw.choice(((_NUMBER, NUMBERS), (_NUMBER, NUMBERS), (_WORD, WORDS)))
    places = list(pattern.finditer(text))
    other = draw.choice(others)
    if not places:
        return content + other.encode()
    place = draw.choice(places)
    if draw.random() < 0.2:
        other = draw.choice(places)[0]
    changed = text[: place.start()] + other + text[place.end() :]
    return changed.encode("utf-8", errors="surrogateescape")


def of_tree(draw: Draw, content: bytes) -> bytes:
    """Replace, remove, double or wrap an entry of JSON."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return of_words(draw, content)
    parents = list(_containers(tree))
    if not parents:
        return of_words(draw, content)
    parent = draw.choice(parents)
    key: Any = draw.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    match draw.randrange(6):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[draw.choice(WORDS)] = parent.pop(key)
        case 1 | 2 if isinstance(parent, list):
            parent[key:key] = [parent[key]] * draw.choice((1, 2, 50))
        case 3:
            for _ in range(draw.choice((1, 3, 100, 900))):
                parent[key] = [parent[key]]
        case _:
            parent[key] = draw.choice(VALUES)
    try:
        return json.dumps(tree).encode()
    except (ValueError, RecursionError):  # nested deeper than Python writes
        return b"[" * 2000 + b"]" * 2000


def _containers(tree: Any) -> list[Any]:
    """Return the lists and objects in a tree that hold anything."""
    found, level = [], [tree]
    while level:
        level = [entry for entry in level if isinstance(entry, list | dict) and entry]
        found += level
        level = [
            entry
            for outer in level
            for entry in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return found
