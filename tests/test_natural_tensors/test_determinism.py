"""The same results on every run, in every thread and process; caches and pickles."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from natural_tensors import Coupling, Harmonic, IndexSymmetry, coupling, harmonic, reduction
from natural_tensors.decomposition.copies import Basis
from tests.helpers.oracles import BASES, CLASSES, FOURTH, Case

STRINGS = ["ijkl=jikl=klij", "ijk=ikj", "ijkl", "ij=-ji", "ijkl=jikl=ijlk"]


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- caches -------------------------------------------------------------------------------------


def test_a_reduction_is_derived_once() -> None:
    assert reduction("elastic") is reduction("elastic")
    assert reduction("ij=ji") is reduction("i j = j i")
    assert reduction("ij=ji") is reduction(IndexSymmetry.parse("ij=ji"))
    assert reduction("ij=ji") is not reduction("ij=ji", axial=True)
    assert reduction("ij=ji") is not reduction("ij=ji", basis="orthonormal")
    assert coupling(1, 1, 2) is coupling(1, 1, 2)
    assert harmonic(2) is harmonic(2)


def test_a_reduction_is_frozen() -> None:
    with pytest.raises(AttributeError):
        reduction("ij=ji").basis = "orthonormal"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        reduction("ij=ji").embedding(0).weight = 3  # type: ignore[misc]


# --- pickles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", ["elastic", "ijk=ikj", "ij=-ji"])
def test_a_reduction_pickles_to_itself(name: str, basis: Basis) -> None:
    result = reduction(name, basis=basis)
    tensor = result.unpack(np.arange(1.0, result.dimension + 1))
    result.decompose(tensor)  # also with its matrices built
    back = pickle.loads(pickle.dumps(result))
    assert back is result  # the cache of this process answers
    assert back.formula() == result.formula()


@pytest.mark.parametrize("case", [*CLASSES[:9], FOURTH], ids=repr)
def test_operators_pickle(case: Case) -> None:
    result = reduction(case.symmetry, basis="orthonormal")
    for key in result.copies:
        for operator in (result.embedding(*key), result.extraction(*key)):
            back = pickle.loads(pickle.dumps(operator))
            assert back == operator
            assert type(back) is type(operator)
            assert str(back) == str(operator)


@pytest.mark.parametrize(
    "piece",
    [coupling(2, 1, 2), coupling(1, 1, 1, "component"), harmonic(3, "orthonormal")],
    ids=str,
)
def test_pieces_pickle(piece: Coupling | Harmonic) -> None:
    text = str(piece)
    piece.exact()
    back = pickle.loads(pickle.dumps(piece))
    assert back == piece
    assert str(back) == text
    assert back.exact() == piece.exact()


def test_a_pickle_is_read_in_a_fresh_process(tmp_path: Path) -> None:
    result = reduction("elastic", basis="orthonormal")
    path = tmp_path / "pickled"
    path.write_bytes(pickle.dumps((result, result.symmetry, result.extraction(2, 1))))
    code = f"""
import pickle
result, symmetry, operator = pickle.load(open({str(path)!r}, "rb"))
from natural_tensors import reduction
assert result is reduction("elastic", basis="orthonormal")
assert result.symmetry == symmetry
assert operator == result.extraction(2, 1)
print(ascii(result.formula()))
"""
    assert run_python(code).strip() == ascii(result.formula())


# --- processes -----------------------------------------------------------------------------------

DESCRIBE = """
import hashlib
import numpy as np
from natural_tensors import coupling, harmonic, reduction
digest = hashlib.sha256()
for text in ("elastic", "ijk=ikj", "ijkl", "ijklm=jiklm", "ijklmn=jiklmn=klijmn=klmnij"):
    for basis in ("dual", "orthonormal"):
        result = reduction(text, basis=basis)
        digest.update(result.formula().encode() + result.latex().encode() + repr(result).encode())
        digest.update("".join(result.components.labels).encode())
        digest.update(result.pack(np.eye(result.dimension), form="components").tobytes())
        digest.update(repr(result.symmetry.elements).encode())
        digest.update(str(result.embedding(*result.copies[-2]).to_sympy()).encode())
for piece in (harmonic(4), coupling(2, 2, 3), coupling(3, 2, 1, "component")):
    digest.update(str(piece).encode() + repr(piece.exact()).encode())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_results_do_not_depend_on_the_hash_seed() -> None:
    digests = {run_python(DESCRIBE, PYTHONHASHSEED=seed) for seed in ("0", "1", "4242")}
    assert len(digests) == 1


# --- threads -----------------------------------------------------------------------------------

THREADS = """
import sys
sys.setswitchinterval(1e-6)  # change threads as often as can be
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy as np
from natural_tensors import coupling, harmonic, reduction, rotation

STRINGS = {strings!r}
COUNT = 16
barrier = Barrier(COUNT)

def work(number):
    barrier.wait()
    results = []
    for step in range(len(STRINGS)):
        text = STRINGS[(number + step) % len(STRINGS)]  # all meet, in different orders
        for basis in ("dual", "orthonormal"):
            result = reduction(text, basis=basis)
            components = np.sin(np.arange(1.0, result.dimension + 1))
            parts = result.decompose(components, form="components")
            back = result.reconstruct(parts, form="components")
            results.append(
                (text, basis, result.formula(), result.irreps,
                 result.pack(components, form="components").tobytes(), back.tobytes())
            )
    results.append(("pieces", "", str(coupling(2, 2, 3)), str(harmonic(3)),
                    coupling(2, 2, 3).to_array().tobytes(), rotation(3, np.eye(3)).tobytes()))
    return sorted(results)

with ThreadPoolExecutor(COUNT) as pool:
    found = list(pool.map(work, range(COUNT)))
assert all(other == found[0] for other in found), "threads disagree"
print(ascii([entry[2] for entry in found[0]]))
"""


def test_threads_that_fill_fresh_caches_together_get_the_same_results() -> None:
    printed = run_python(THREADS.format(strings=STRINGS))
    alone = sorted(
        (text, basis, reduction(text, basis=basis).formula()) for text in STRINGS for basis in BASES
    )
    formulas = [formula for _, _, formula in alone] + [str(coupling(2, 2, 3))]
    assert printed.strip() == ascii(formulas)


def test_threads_may_share_one_reduction() -> None:
    result = reduction("elastic")
    tensors = [result.unpack(np.random.default_rng(seed).standard_normal(21)) for seed in range(32)]
    alone = [result.decompose(tensor) for tensor in tensors]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(result.decompose, tensors))
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(one[key], other[key]) for key in one)
