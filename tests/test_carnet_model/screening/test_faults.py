"""Whatever is killed or full: no row is lost, doubled or different."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from carnet_model.screening.documents import documents
from carnet_model.screening.folder import Results, ResultsError
from carnet_model.screening.isolation import WorkerError
from carnet_model.screening.pieces import pieces
from carnet_model.screening.run import Progress, screen
from carnet_model.screening.settings import Settings
from natural_tensors.files.saving import FileError
from tests.helpers.paths import ROOT
from tests.helpers.screening import Pretender, ids_of, rows_of, write_lines

KILLS = int(os.environ.get("SCREENING_KILLS", "3"))
"""Runs that are killed at random times; `SCREENING_KILLS=50` for a longer look."""

COMMAND = """
import sys
from carnet_model.screening.run import screen
from carnet_model.screening.settings import Settings
from tests.helpers.screening import Pretender
if __name__ == "__main__":
    settings = Settings(sys.argv[2], "none", part=4)
    for progress in screen([sys.argv[1]], settings, workers=int(sys.argv[3]), start=Pretender):
        print(progress.documents, flush=True)
"""


def run(place: Path, folder: Path, workers: int = 2, part: int = 8) -> Progress:
    *_, last = screen(
        [str(place)], Settings(str(folder), "none", part=part), workers=workers, start=Pretender
    )
    return last


def begun(place: Path, folder: Path, workers: int = 2) -> subprocess.Popen[str]:
    """Begin a run in a process of its own."""
    script = folder.parent / "command.py"
    script.write_text(COMMAND)
    return subprocess.Popen(
        [sys.executable, str(script), str(place), str(folder), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_runs_that_are_killed_lose_and_double_nothing(tmp_path: Path) -> None:
    names = [f"slow-{number}" for number in range(40 * KILLS)]
    file = write_lines(tmp_path / "x.jsonl", names)
    folder = tmp_path / "results"
    drawn = random.Random(5)
    for _ in range(KILLS):
        process = begun(file, folder)
        assert process.stdout is not None
        for _ in range(drawn.randint(1, 5)):  # the first line comes before any part is done
            process.stdout.readline()
        time.sleep(drawn.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
        assert "Traceback" not in said  # the workers end in silence
        counts = Counter(ids_of(folder))
        assert set(counts) <= set(names)
        assert set(counts.values()) <= {1}
    last = run(file, folder, part=4)
    assert last.before > 0
    assert ids_of(folder) == names
    run(file, tmp_path / "whole", part=4)
    assert rows_of(folder) == rows_of(tmp_path / "whole")
    assert not list(folder.rglob("*.tmp"))


def test_what_kills_a_worker_is_found_and_costs_none_of_the_others(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(20)]
    names[3] = names[17] = "dies"
    names[17] = "dies too"
    file = write_lines(tmp_path / "x.jsonl", names)
    last = run(file, tmp_path / "results", workers=1)
    assert last.failed == 2
    assert ids_of(tmp_path / "results", "failures") == ["dies", "dies too"]
    assert ids_of(tmp_path / "results") == [name for name in names if "dies" not in name]


def test_a_worker_that_runs_out_of_memory_loses_one_structure(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", ["a", "b", "memory", "c"])
    run(file, tmp_path / "results", workers=1)
    assert ids_of(tmp_path / "results") == ["a", "b", "c"]
    assert ids_of(tmp_path / "results", "failures") == ["memory"]


class Once(Pretender):
    """A worker that is killed by chance: the first time that it has anything to do."""

    def __call__(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
        mark = self.results.place / ".once"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(*arguments, **options)  # type: ignore[arg-type]


def test_a_worker_that_is_killed_by_chance_costs_nothing(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", ["a", "b", "c"])
    settings = Settings(str(tmp_path / "results"), "none")
    *_, last = screen([str(file)], settings, start=Once)  # type: ignore[arg-type]
    assert last.failed == 0
    assert ids_of(tmp_path / "results") == ["a", "b", "c"]


def refuses(settings: Settings) -> Pretender:
    raise FileError("no model here")


def dies(settings: Settings) -> Pretender:
    os._exit(3)


def test_a_worker_that_cannot_begin_is_said_and_costs_no_structure(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", ["a", "b"])
    settings = Settings(str(tmp_path / "results"), "none")
    with pytest.raises(FileError, match="no model here"):
        list(screen([str(file)], settings, start=refuses))
    with pytest.raises(WorkerError, match="ends before it begins"):
        list(screen([str(file)], settings, start=dies))
    assert ids_of(tmp_path / "results", "failures") == []
    run(file, tmp_path / "results", part=settings.part)
    assert ids_of(tmp_path / "results") == ["a", "b"]


def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [f"s{n}" for n in range(40)])
    folder = tmp_path / "results"
    Results(folder).prepare(Settings(str(folder), "none", part=8).options())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:  # the kernel refuses to write what is larger, as it does on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, before[1]))
        with pytest.raises(FileError, match="cannot be written"):
            run(file, folder, workers=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ids_of(folder) == []
    assert not list(folder.rglob("*.tmp"))
    run(file, folder, workers=0)
    assert len(set(ids_of(folder))) == len(ids_of(folder)) == 40


def test_clocks_do_not_matter(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [f"s{n}" for n in range(20)])
    folder = tmp_path / "results"
    run(file, folder, workers=0)
    for number, path in enumerate([file, *sorted(folder.rglob("*"))]):
        os.utime(path, (0, 4_000_000_000 * (number % 2)))  # 1970, or 2096
    assert run(file, folder, workers=0).documents == 0
    write_lines(file, [f"t{n}" for n in range(20)])
    os.utime(file, (0, 0))
    assert run(file, folder, workers=0).documents == 20
    assert ids_of(folder) == [f"t{n}" for n in range(20)]


def test_two_runs_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [f"slow-{n}" for n in range(100)])
    folder = tmp_path / "results"
    first = begun(file, folder)
    assert first.stdout is not None
    first.stdout.readline()
    with pytest.raises(ResultsError, match="another run writes into this folder"):
        run(file, folder, part=4)
    _, said = first.communicate()
    assert first.returncode == 0, said
    assert len(ids_of(folder)) == 100
    assert run(file, folder, part=4).documents == 0


def test_what_a_part_is_when_two_write_it(tmp_path: Path) -> None:
    """The worker of a run that was killed may live on and write what another does too."""
    file = write_lines(tmp_path / "x.jsonl", ["a", "b"])
    settings = Settings(str(tmp_path / "results"), "none")
    Results(tmp_path / "results").prepare(settings.options())
    (piece,) = pieces(str(file), documents(str(file)))
    for _ in range(2):
        Pretender(settings)(piece)
    assert ids_of(tmp_path / "results") == ["a", "b"]
