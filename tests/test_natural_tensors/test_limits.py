"""Limits: one table, changed by an option, the environment or a ``with`` statement."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from natural_tensors import limits
from natural_tensors.cli.app import app
from natural_tensors.files.reading import read_tensor
from natural_tensors.files.saving import FileError
from natural_tensors.limits import LimitError

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_the_page_has_every_limit_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| ([^|]*) \| ([^|]*) \|", PAGE.read_text(), re.M)
    assert [(name, int(value.replace(",", ""))) for name, value, _, _ in rows] == [
        (each.name, each.value) for each in limits.TABLE
    ]
    assert [(unit, meaning) for _, _, unit, meaning in rows] == [
        (each.unit, each.meaning) for each in limits.TABLE
    ]
    assert get_args(limits.Name) == tuple(each.name for each in limits.TABLE)


def test_a_refusal_names_value_limit_and_remedy() -> None:
    limits.check("atoms", 1_000_000, "has many atoms")
    with pytest.raises(LimitError) as caught:
        limits.check("atoms", 1_234_567, "has 1,234,567 atoms", "cut it")
    assert str(caught.value) == (
        "has 1,234,567 atoms, more than the limit atoms of 1,000,000 atoms\ncut it\n"
        "or raise it by --limit atoms=1300000 before the command (docs/reliability.md)"
    )
    with pytest.raises(LimitError, match="atoms=NUMBER"):
        limits.check("atoms", float("inf"), "goes on")
    with pytest.raises(LimitError):
        limits.check("atoms", float("nan"), "is no number")


def test_the_number_advised_is_enough() -> None:
    for value in (1_000_001, 1_990_001, 99_999_999, 10**12 + 1):
        with pytest.raises(LimitError) as caught:
            limits.check("atoms", value, "")
        (advised,) = re.findall(r"atoms=(\d+)", str(caught.value))
        with limits.changed(atoms=int(advised)):
            limits.check("atoms", value, "")


def test_changes_end_with_their_block(monkeypatch: pytest.MonkeyPatch) -> None:
    with limits.changed(bonds=5), limits.changed(bonds=6, atoms=7):
        assert (limits.limit("bonds"), limits.limit("atoms")) == (6, 7)
    assert limits.limit("bonds") == 1_000_000
    monkeypatch.setenv(limits.VARIABLE, "bonds=5e6, extent=2e4")
    assert (limits.limit("bonds"), limits.limit("extent")) == (5_000_000, 20_000)
    with limits.changed(bonds=8):  # nearer than the environment
        assert limits.limit("bonds") == 8
    monkeypatch.setenv(limits.VARIABLE, "bond=5e6")
    with pytest.raises(LimitError, match=r"NATURAL_TENSORS_LIMITS: 'bond' .*mean 'bonds'"):
        limits.limit("atoms")


@pytest.mark.parametrize(
    "text", ["bonds", "bonds=", "bonds=x", "bonds=0", "bonds=nan", "bonds=inf"]
)
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(LimitError, match="limit bonds"):
        limits.parse([text])


def test_the_option_holds_for_the_command() -> None:
    with limits.changed():
        result = CliRunner().invoke(app, ["--limit", "bonds=7", "list", "elastic"])
        assert result.exit_code == 0
        assert limits.limit("bonds") == 7
    assert CliRunner().invoke(app, ["--limit", "bonds=-7", "list"]).exit_code == 2


def test_large_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1.0, 2.0, 3.0]")
    assert read_tensor(str(path)).values.tolist() == [1, 2, 3]
    with limits.changed(file=10), pytest.raises(FileError, match=r"a\.json: has 15 bytes, more"):
        read_tensor(str(path))
