"""Screening by actors of Ray: the same rows, also when one of them is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Set
from pathlib import Path

import pytest

from carnet_model.screening.pieces import Piece
from carnet_model.screening.run import screen
from carnet_model.screening.settings import Outcome, Settings
from tests.helpers.paths import ROOT
from tests.helpers.screening import Pretender, ids_of, write_lines

pytest.importorskip("ray")


class Assassin(Pretender):
    """A worker that once kills the actor that holds it."""

    def __call__(
        self, piece: Piece, without: Set[int] = frozenset(), *, write: bool = True
    ) -> Outcome:
        mark = self.results.place / ".once"
        if not mark.exists():
            mark.touch()
            os.kill(os.getppid(), signal.SIGKILL)
        return super().__call__(piece, without, write=write)


@pytest.mark.filterwarnings("ignore")  # Ray about itself
def test_two_actors_one_of_them_killed_give_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the processes of Ray
    names = [f"slow-{n}" for n in range(60)]
    names[41] = "dies"
    file = write_lines(tmp_path / "x.jsonl", names)
    more = write_lines(tmp_path / "y.jsonl", [f"y{n}" for n in range(20)])
    settings = Settings(str(tmp_path / "results"), "none", part=8)
    *_, last = screen(
        [str(file), str(more)], settings, workers=2, ray="local", start=Assassin
    )  # fmt: skip
    assert (tmp_path / "results/.once").exists()
    assert (last.documents, last.predicted, last.failed) == (80, 79, 1)
    expected = [name for name in names if name != "dies"] + [f"y{n}" for n in range(20)]
    assert sorted(ids_of(tmp_path / "results")) == sorted(expected)
    assert ids_of(tmp_path / "results", "failures") == ["dies"]
    *_, again = screen([str(file), str(more)], settings, workers=0, start=Pretender)
    assert again.documents == 0
