"""The mutants themselves: drawn the same again, only where code runs, none that changes nothing."""

from __future__ import annotations

import ast
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT
from tests.mutants import __main__ as command
from tests.mutants.mutations import Mutant, draw, place_of, sample, sources, within, without_effect
from tests.mutants.running import Coverage, files_of_tests, statement_lines

needs_the_tool = pytest.mark.skipif(
    find_spec("cosmic_ray") is None, reason="the extra mutation is not installed"
)

TEXT = """\
from typing import TYPE_CHECKING, TypeAlias
if TYPE_CHECKING:
    import a
Kind: TypeAlias = int | None

@cache
def half(x: int | None, y: float = 1 + 2) -> int | None:
    z: int | None = 3
    if x and z > 2:
        return (x +
                z)
    return None
"""


def tree(folder: Path, text: str = TEXT) -> Path:
    place = folder / "carnet_model" / "network" / "layers"
    place.mkdir(parents=True, exist_ok=True)
    (place / "half.py").write_text(text, encoding="utf-8")
    return folder


def test_types_and_caches_are_left_alone() -> None:
    still = list(without_effect(ast.parse(TEXT)))
    lines = TEXT.splitlines()
    free = {
        (number, column)
        for number, line in enumerate(lines, start=1)
        for column, letter in enumerate(line)
        if letter in "|+>" and not any(within((number, column) * 2, each) for each in still)
    }
    assert free == {(7, 37), (7, 43), (9, 15), (10, 18)}
    tested = next(node for node in ast.walk(ast.parse(TEXT)) if isinstance(node, ast.If))
    assert within(place_of(tested.body[0]), place_of(tested))
    assert not within(place_of(tested), place_of(tested.body[0]))


@needs_the_tool
def test_the_sample_is_the_same_again_and_holds_real_changes(tmp_path: Path) -> None:
    root = tree(tmp_path)
    drawn = sample(root, 50, 3, tmp_path / "kept")
    assert drawn == sample(root, 50, 3, tmp_path / "kept") == draw(root, 50, 3)
    assert {each.key for each in draw(root, 50, 4)} != {each.key for each in drawn}
    assert len({each.place for each in drawn}) == len(drawn) == 9
    for each in drawn:
        assert ast.dump(ast.parse(each.text)) != ast.dump(ast.parse(TEXT))
        assert each.before != each.after
    # an edit elsewhere leaves the others as they are
    longer = draw(tree(tmp_path, TEXT + "other = 1\n"), 50, 3)
    before, after = ([(e.operator, e.before, e.after) for e in each] for each in (drawn, longer))
    assert [each for each in after if each[1] != "other = 1"] == before


def test_the_lines_of_a_statement() -> None:
    assert statement_lines(TEXT, 9) == range(9, 10)
    assert statement_lines(TEXT, 10) == statement_lines(TEXT, 11) == range(10, 12)
    assert statement_lines(TEXT, 12) == range(12, 13)


def test_tests_that_reach_a_line_quick_ones_first() -> None:
    found = Coverage(
        {"a": 3.0, "b": 1.0, "c": 2.0},
        {"a": {"x.py": [4, 5]}, "b": {"x.py": [5]}, "c": {"y.py": [5]}, "": {"x.py": [1]}},
    )
    assert found.reaching("x.py", range(5, 7)) == ["b", "a"]
    assert found.reaching("x.py", range(1, 2)) == ["b", "c", "a"]  # run while they are loaded
    assert found.reaching("z.py", range(1, 9)) == []


def test_every_source_has_tests_its_mirror_first() -> None:
    paths = [path.relative_to(ROOT).as_posix() for path in sources(ROOT)]
    assert len(paths) > 30
    for path in paths:
        assert files_of_tests(ROOT, path)
    first = files_of_tests(ROOT, "carnet_model/weights/state.py")[0]
    assert first.name == "test_state.py"


def test_the_summary_counts_what_is_argued_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutants = [
        Mutant(f"carnet_model/{folder}/a.py", (1, 0, 1, 1), "core/X", 0, "a", f"b{n}", f"{n}")
        for n, folder in enumerate(("network", "network", "weights", "weights", "structures"))
    ]
    reasons = tmp_path / "argued.toml"
    reasons.write_text(
        '[[change]]\npath = "carnet_model/network/a.py"\nbefore = "a"\nafter = "b1"\n'
        'because = "equal"\n'
    )
    monkeypatch.setattr(command, "ARGUED", reasons)
    place = tmp_path / "results.jsonl"
    entries = [{"key": each.key, "killed": n == 0} for n, each in enumerate(mutants[:4])]
    entries.append({"key": mutants[3].key, "killed": True})  # tried again
    place.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    text, share = command.summary(mutants, command.read(place))
    assert "| network | 2 | 1 | 1 | 0 | 100.0 % |" in text
    assert "| weights | 2 | 1 | 0 | 1 | 50.0 % |" in text
    assert "| all | 4 | 2 | 1 | 1 | 66.7 % |" in text
    assert share == pytest.approx(2 / 3)
    assert text.count("survived: carnet_model/weights/a.py:1 X") == 1


def test_every_reason_is_about_a_line_that_is_there() -> None:
    """A change that was argued away must not outlive its line."""
    for entry in command.reasons():
        lines = (ROOT / entry["path"]).read_text(encoding="utf-8").splitlines()
        assert entry["before"] in [line.strip() for line in lines], entry
        assert entry["because"]
