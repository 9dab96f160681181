"""Mutants: which changes of which files are tried, the same ones for the same seed.

The changes are those of cosmic-ray. A place in the text is drawn, not a change, since a sum has
eleven changes and a condition one. Places are ranked by a hash of their line, so that an edit
elsewhere leaves the sample as it is.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDERS = ("network", "compiled", "weights", "structures")
"""Folders of ``carnet_model`` that are mutated."""

PACKAGE = "carnet_model"

LEFT_OUT = ("NoOp", "Variable")
"""Operators that change nothing, or that must be told what to change."""

Place = tuple[int, int, int, int]
"""First line and column, last line and column; lines from 1, columns from 0."""


@dataclass(frozen=True)
class Mutant:
    """One file with one change.

    Attributes:
        path: of the file, from the root.
        place: what is changed.
        operator: name of the change.
        occurrence: which of the changes of that name in the file.
        before: the line.
        after: the line changed.
        text: the file changed.
    """

    path: str
    place: Place
    operator: str
    occurrence: int
    before: str
    after: str
    text: str

    @property
    def key(self) -> str:
        """A hash of what is tried: equal wherever the file and its change are."""
        return digest(self.path, self.text)[:16]

    def __str__(self) -> str:
        name = self.operator.removeprefix("core/")
        return f"{self.path}:{self.place[0]} {name}\n    - {self.before}\n    + {self.after}"


def digest(*words: object) -> str:
    """Return a hash of words."""
    return hashlib.sha256("\n".join(map(str, words)).encode()).hexdigest()


def sources(root: Path) -> list[Path]:
    """Return the files that are mutated."""
    folders = [root / PACKAGE / name for name in FOLDERS]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def sample(root: Path, count: int, seed: int, folder: Path) -> list[Mutant]:
    """Return mutants of places drawn at random, in random order; drawn once for the same files.

    Args:
        root: of the repository.
        count: how many.
        seed: another one draws others.
        folder: where they are kept.
    """
    texts = (path.read_text(encoding="utf-8") for path in sources(root))
    place = folder / f"sample-{digest(count, seed, *texts)[:16]}.json"
    if not place.exists():
        drawn = [asdict(each) for each in draw(root, count, seed)]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(drawn), encoding="utf-8")
    stored = json.loads(place.read_text(encoding="utf-8"))
    return [Mutant(**{**entry, "place": tuple(entry["place"])}) for entry in stored]


def draw(root: Path, count: int, seed: int) -> list[Mutant]:
    """Return mutants of places drawn at random, in random order."""
    ranked: list[tuple[str, Path, list[tuple[str, int, Place]]]] = []
    for path in sources(root):
        lines = path.read_text(encoding="utf-8").splitlines()
        name = path.relative_to(root).as_posix()
        seen: dict[tuple[str, int], int] = {}
        for place, changes in sorted(changes_of(path).items()):
            spot = (lines[place[0] - 1], place[1])
            seen[spot] = seen.get(spot, 0) + 1
            rank = digest(seed, name, *spot, place[2] - place[0], place[3], seen[spot])
            ranked.append((rank, path, [(*change, place) for change in changes]))
    mutants = (
        mutant(root, path, *changes[int(rank, 16) % len(changes)])
        for rank, path, changes in sorted(ranked)
    )
    found = (each for each in mutants if each is not None)
    return [each for each, _ in zip(found, range(count), strict=False)]


def changes_of(path: Path) -> dict[Place, list[tuple[str, int]]]:
    """Return by place the changes that a file offers: their operators and occurrences."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    text = path.read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(text)))
    still = list(without_effect(ast.parse(text)))
    found: dict[Place, list[tuple[str, int]]] = {}
    for name in operator_names():
        if any(word in name for word in LEFT_OUT):
            continue
        operator = get_operator(name)()
        places = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(places):
            place: Place = (*start, *end)
            if not any(within(place, other) for other in still):
                found.setdefault(place, []).append((name, occurrence))
    return found


def within(place: Place, other: Place) -> bool:
    """Say whether a place lies in another."""
    return other[:2] <= place[:2] and place[2:] <= other[2:]


def without_effect(tree: ast.Module) -> Iterator[Place]:
    """Yield the places that are never run or only make the same faster: types, caches, slots."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as part) | ast.AnnAssign(annotation=part):
                yield place_of(part)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield place_of(node)
        match node:
            case ast.FunctionDef(returns=ast.expr() as part):
                yield place_of(part)
            case ast.AnnAssign(annotation=ast.Name(id="TypeAlias"), value=ast.expr() as part):
                yield place_of(part)
        for decorator in getattr(node, "decorator_list", []):
            words = ast.unparse(decorator)
            if words.startswith(("cache", "lru_cache", "dataclass", "override", "overload")):
                start = place_of(decorator)  # the mark before it belongs to it
                yield (start[0], start[1] - 1, start[2] + 1, 0)


def place_of(node: ast.expr | ast.stmt) -> Place:
    """Return where a node stands."""
    return (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


def mutant(root: Path, path: Path, operator: str, occurrence: int, place: Place) -> Mutant | None:
    """Return a file changed; None where the change gives the same text, or none that parses."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    before = path.read_text(encoding="utf-8")
    after = mutate_code(before, get_operator(operator)(), occurrence)
    if after is None or after == before:
        return None
    try:
        if ast.dump(ast.parse(after)) == ast.dump(ast.parse(before)):
            return None
    except SyntaxError:
        return None
    number = place[0] - 1
    return Mutant(
        path.relative_to(root).as_posix(), place, operator, occurrence,
        before.splitlines()[number].strip(), after.splitlines()[number].strip(), after,
    )  # fmt: skip
