"""Structures that would end the process, or take all time and memory, are one error each."""

from __future__ import annotations

import bz2
import gzip
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.graph import build
from carnet_model.structures.neighbours import completed, neighbours
from carnet_model.structures.reading import read_geometries, read_text
from natural_tensors import limits
from natural_tensors.arrays import Floats, Integers

SILICON = "si\n1.0\n0 2.7 2.7\n2.7 0 2.7\n2.7 2.7 0\nSi\n{}\nDirect\n0 0 0\n0.25 0.25 0.25\n"


def long_cell(length: float) -> Geometry:
    return Geometry(np.array([14]), np.zeros((1, 3)), np.diag([3, 3, length]), (True,) * 3, "long")


def test_what_is_far_costs_no_other_structure(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("2\n\nSi 0 0 0\nSi 0 0 100000\n")
    (tmp_path / "b.vasp").write_text("long\n1.0\n3 0 0\n0 3 0\n0 0 1e6\nSi\n1\nDirect\n0 0 0\n")
    (tmp_path / "c.vasp").write_text(SILICON.format(2))
    far, long, good = read_geometries(tmp_path)
    assert "atom 1 is 100000 Å from the origin, more than the limit extent of 10,000" in str(far)
    assert "the end of lattice vector 3 is 1e+06 Å" in str(long)
    assert isinstance(good, Geometry)


def test_the_limits_raised_nothing_ends_the_process() -> None:
    """In a process of its own: a division by zero in a library would end this one."""
    code = (
        "import numpy as np\n"
        "from carnet_model.structures.geometry import Geometry\n"
        "from natural_tensors import limits\n"
        "limits.change({'extent': 10**9})\n"
        "for far in (1e5, 1e8):\n"
        "    places = np.array([[0, 0, 0], [0, 0, far]])\n"
        "    two = Geometry([14, 14], places, np.zeros((3, 3)), (False,) * 3)\n"
        "    print(len(two.neighbours(5.0)[0]))\n"
        "cell = np.diag([3, 3, 1e6])\n"
        "one = Geometry([14], np.array([[1e6, 2e6, 3.0]]), cell, (True,) * 3)\n"
        "print(len(one.neighbours(3.5)[0]))\n"
        "sheet = np.array([[0, 0, 0], [1000, 1000, 0], [1001, 1000, 0]])\n"
        "print(len(Geometry([6] * 3, sheet, np.eye(3), (False,) * 3).neighbours(1.5)[0]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["0", "0", "4", "2"], "")


def counted(positions: Floats, cell: Floats, periodic: tuple[bool, ...], cutoff: float) -> int:
    """Count ordered pairs one by one."""
    box = completed(cell, periodic)
    inverse = np.linalg.inv(box)
    steps = cutoff * np.linalg.norm(inverse, axis=0) + np.ptp(positions @ inverse, axis=0) + 1
    spans = [
        range(-int(n), int(n) + 1) if flag else range(1)
        for n, flag in zip(steps, periodic, strict=True)
    ]
    images = np.array(list(itertools.product(*spans))) @ box
    between = positions[None, :, None] + images - positions[:, None, None]
    lengths = np.linalg.norm(between, axis=-1)
    return int(((lengths < cutoff) & (lengths > 1e-9)).sum())


@pytest.mark.parametrize("periodic", list(itertools.product((False, True), repeat=3)))
def test_pairs_are_those_counted_one_by_one(periodic: tuple[bool, ...]) -> None:
    random = np.random.default_rng(sum(map(int, periodic)))
    for _ in range(12):
        edges = 10 ** random.uniform(0.4, 1.2, 3)
        cell = np.diag(edges) + random.uniform(-0.3, 0.3, (3, 3)) * edges[:, None]
        positions = random.uniform(-0.5, 1.5, (random.integers(1, 5), 3)) @ cell
        cutoff = random.uniform(1, 4)
        pairs = neighbours(positions, cell, periodic, cutoff)
        ends = positions[pairs.second] + pairs.shifts @ cell - positions[pairs.first]
        np.testing.assert_allclose(ends, pairs.vectors, atol=1e-9)
        assert len(pairs.first) == counted(positions, cell, periodic, cutoff)


def test_long_structures_that_do_not_repeat_everywhere() -> None:
    """A wire or a layer of which two atoms are far apart was a matter of minutes."""
    places = np.array([[0.0, 0.0, 0.0], [50.0, 1800.0, 0.0]])
    assert len(neighbours(places, np.diag([0, 0, 2.0]), (False, False, True), 2.5).first) == 4


def test_atoms_far_outside_their_cell_are_brought_back() -> None:
    cell = np.array([[3.0, 0, 0], [1.0, 3, 0], [0, 0.5, 3]])
    places = np.array([[0.1, 0.2, 0.3], [1.0, 1.0, 1.0]])
    laps = np.array([[0, 0, 0], [100_000, -70_000, 30_000]])
    near = neighbours(places, cell, (True,) * 3, 3.5)
    far = neighbours(places + laps @ cell, cell, (True,) * 3, 3.5)
    moved = near.shifts + laps[near.first] - laps[near.second]

    def table(first: Integers, second: Integers, shifts: Integers) -> list[list[float]]:
        return sorted(np.column_stack([first, second, shifts]).tolist())

    assert table(near.first, near.second, moved) == table(far.first, far.second, far.shifts)


def test_dense_structures_are_refused_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = np.arange(20) * 0.45
    places = np.stack(np.meshgrid(grid, grid, grid), axis=-1).reshape(-1, 3)
    dense = Geometry(
        np.ones(8000, dtype=np.int64), places, np.diag([9.0] * 3), (True,) * 3, "dense"
    )
    monkeypatch.setattr("vesin.NeighborList", None)  # it is not asked
    with pytest.raises(GeometryError, match=r"^dense: its 8000 atoms have about 4\.6e\+07 bonds"):
        build(dense, 5.0, most="bonds")
    with pytest.raises(GeometryError, match=r"Å apart|bonds within"):
        Geometry(
            np.ones(50_000, dtype=np.int64), np.zeros((50_000, 3)), np.diag([9.0] * 3), (True,) * 3
        )


def test_the_estimate_is_near_the_number_of_pairs() -> None:
    random = np.random.default_rng(0)
    cell = np.array([[30.0, 0, 0], [8, 25, 0], [0, -5, 40]])
    places = random.uniform(0, 1, (2000, 3)) @ cell
    exact = len(neighbours(places, cell, (True,) * 3, 4.0).first)
    with limits.changed(pairs=1000), pytest.raises(limits.LimitError) as caught:
        neighbours(places, cell, (True,) * 3, 4.0)
    words = str(caught.value).split()
    assert float(words[words.index("about") + 1]) == pytest.approx(exact, rel=0.1)


def test_flat_cells_are_refused() -> None:
    flat = np.array([[1.0, 0, 0], [0, 1, 0], [0.5, 0.5, 2e-4]])
    with pytest.raises(GeometryError, match=r"the cell repeats .* times within"):
        Geometry(np.array([14]), np.zeros((1, 3)), flat, (True,) * 3)


@pytest.mark.parametrize("count", [10**9, 10**12, int("9" * 4000)])
def test_counts_that_the_file_does_not_hold(tmp_path: Path, count: int) -> None:
    stated = "9" * 5000 if count > 10**13 else str(count)
    (tmp_path / "a.xyz").write_text(f"1\n\nSi 0 0 0\n{stated}\n\nSi 0 0 0\n")
    (tmp_path / "b.vasp").write_text(SILICON.format(stated))
    (tmp_path / "c.vasp").write_text(SILICON.format(f"1 {stated}").replace("Si\n", "Si Si\n"))
    good, *bad = read_geometries(tmp_path)
    assert isinstance(good, Geometry)
    assert len(bad) == 3
    for error in bad:
        assert isinstance(error, GeometryError)
    assert "lines are left for them" in str(bad[0])


def test_packed_files_are_unpacked_to_the_limit(tmp_path: Path) -> None:
    packed, other = tmp_path / "a.cif.gz", tmp_path / "b.gen.bz2"
    packed.write_bytes(gzip.compress(b" " * 3_000_000))
    other.write_bytes(bz2.compress(b" " * 3_000_000))
    with limits.changed(file=1_000_000):
        for path in (packed, other):
            (error,) = read_geometries(path)
            assert "goes on, more than the limit file of 1,000,000 bytes" in str(error)
        with pytest.raises(GeometryError, match="limit file"):
            read_text(packed)
