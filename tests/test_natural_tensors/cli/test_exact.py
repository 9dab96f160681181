"""The commands decompose and reconstruct on symbols and exact numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import natural_tensors as nt
from natural_tensors.cli.expressions import component_lines, entries_of
from natural_tensors.files.exact_entries import read_entry
from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")


def read(nested: Any) -> Any:
    """Return nested lists of text as expressions."""
    return [read(entry) for entry in nested] if isinstance(nested, list) else read_entry(nested)


def test_a_cubic_stiffness_in_symbols() -> None:
    lines = run("decompose", "--tensor", "elastic", "--group", "m-3m").stdout.splitlines()
    assert lines[0] == "Elastic stiffness, C (elastic) under m-3m"
    start = lines.index("X(0,0), 0e = (C11 + 4*C12 - 2*C44)/5")
    assert lines[start + 1 : start + 7] == [
        "X(0,1), 0e = (C11 - C12 + 3*C44)/5",
        "X(2,0), 2e = 0",
        "X(2,1), 2e = 0",
        "X(4,0), 4e, proportional to C11 - C12 - 2*C44:",
        "  xxxx = yyyy = zzzz = 2*(C11 - C12 - 2*C44)/5",
        "  xxyy = xxzz = yyzz = -(C11 - C12 - 2*C44)/5",
    ]
    assert lines[-1] == "put together again it is the same tensor, exactly"


@pytest.mark.parametrize("basis", ["dual", "orthonormal"])
@pytest.mark.parametrize(
    ("name", "group"),
    [("elastic", "m-3m"), ("piezoelectric", "32"), ("compliance", "4/m"), ("dielectric", "1"),
     ("third-order-elastic", "m-3m"), ("dielectric", "inf/mm"), ("elastic", "1")],
)  # fmt: skip
def test_a_form_there_and_back(name: str, group: str, basis: str) -> None:
    text = run("decompose", "--tensor", name, "-g", group, "--basis", basis, "--json",
               "-o", "parts.json").stdout  # fmt: skip
    found = json.loads(text)
    assert json.loads(Path("parts.json").read_text()) == found
    symbolic = nt.form(name, group)
    assert found["symbols"] == sorted(symbolic.parameters)
    reduction = nt.reduction(name, basis=basis)  # type: ignore[call-overload]
    expected = reduction.decompose(symbolic.to_sympy(), form=symbolic.written_as, exact=True)
    for part in found["parts"]:
        values = entries_of(expected[part["weight"], part["copy"]])
        assert (np.array(read(part["values"]), dtype=object) == values).all()
    again = json.loads(run("reconstruct", "parts.json", "--json").stdout)
    tensor = np.array(read(again["tensor"]), dtype=object)
    assert (tensor == entries_of(symbolic.to_sympy())).all()
    run("reconstruct", "parts.json")


def test_shares_and_norms_are_exact() -> None:
    found = json.loads(run("decompose", "--tensor", "elastic", "-g", "m-3m", "--json").stdout)
    names = {name: sympy.Symbol(name, real=True) for name in found["symbols"]}
    shares = [sympy.sympify(share, locals=names) for share in found["shares"]["weight"].values()]
    assert sympy.cancel(sum(shares)) == 1
    numbers = dict(zip(names.values(), (168.4, 121.4, 75.4), strict=True))
    matrix = np.array(nt.form("elastic", "m-3m").to_sympy().subs(numbers).tolist(), dtype=float)
    numeric = nt.reduction("elastic").fractions(matrix, form="voigt")
    assert [float(share.subs(numbers)) for share in shares] == pytest.approx(
        [float(share) for share in numeric.values()]
    )
    norm = read_entry(found["parts"][-1]["norm"])
    part = nt.reduction("elastic").decompose(matrix, form="voigt")[4, 0]
    assert float(norm.subs(numbers)) == pytest.approx(np.linalg.norm(part))


@pytest.mark.parametrize("suffix", [".json", ".csv", ".txt"])
def test_symbols_in_files(suffix: str) -> None:
    rows = [["a", "b", "0"], ["b", "a - 2*b", "1/3"], ["0", "1/3", "sqrt(2)*E"]]
    if suffix == ".json":
        text = json.dumps(rows).replace('"0"', "0")
    else:
        text = "# permittivity\n" + "\n".join((", " if suffix == ".csv" else " ").join(
            cell.replace(" ", "") if suffix == ".txt" else cell for cell in row) for row in rows
        )  # fmt: skip
    Path("a" + suffix).write_text(text)
    shown = run("decompose", "a" + suffix, "--tensor", "dielectric", "-o", "parts.json").stdout
    assert "symbols   E, a, b" in shown
    assert "X(0,0), 0e = (2*a + sqrt(2)*E - 2*b)/3" in shown.replace(
        "(sqrt(2)*E + 2*a - 2*b)/3", "(2*a + sqrt(2)*E - 2*b)/3"
    )
    run("reconstruct", "parts.json", "-o", "back.csv")
    again = [line.split(", ") for line in Path("back.csv").read_text().splitlines()]
    assert read(again) == read(rows)


def test_a_batch_of_symbols() -> None:
    Path("a.csv").write_text("a, 0\n0, b\n\n1, c\n-c, 2\n")
    # 2x2 matrices are no tensors in space
    assert "is no dielectric" in message(
        run("decompose", "a.csv", "--tensor", "dielectric", code=2)
    )
    Path("a.json").write_text(json.dumps([["a", 0, 0], [0, "b", 0]]))
    text = run("decompose", "a.json", "--tensor", "polarization").stdout
    assert "form      2 tensors, each 3 (full)" in text
    assert "tensor 0\n\nX(1,0), 1o, proportional to a:\n  x = a\n" in text
    assert "tensor 1\n\nX(1,0), 1o, proportional to b:\n  y = b\n" in text


def test_a_wrong_symmetry_is_refused_or_projected() -> None:
    Path("a.json").write_text(json.dumps([["a", "b", 0], [0, "a", 0], [0, 0, "a"]]))
    told = message(run("decompose", "a.json", "--tensor", "dielectric", code=1))
    assert "violates ij=ji: the entry" in told
    assert "symmetrize it with --project" in told
    text = run("decompose", "a.json", "--tensor", "dielectric", "--project").stdout
    assert "  xy = b/2" in text
    assert "taken for 'ij' by its shape" in run("decompose", "a.json").stdout


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "a, 0.5\n0.5, b\n", ["line 1, column 2: 0.5 is a decimal number", "    ^^^",
                                       "write 1/2", "line 1, column 1 is 'a', so that"]),
        ("a.csv", "a, nan\nb, c\n", ["line 1, column 2 is nan, not a finite number"]),
        ("a.csv", "a, \nb, c\n", ["line 1, column 2 is empty"]),
        ("a.csv", "a, b\nc\n", ["row 2 has 1 numbers"]),
        ("a.csv", "C11, b^2\nc, d\n", ["line 1, column 2: '^' is not understood", "     ^\n"]),
        ("a.txt", "a - b\n", ["line 1, column 2: something is missing at the end"]),
        ("a.json", '[["a", 1.25]]', ["entry [0][1]: 1.25 is a decimal number", "write 5/4"]),
        ("a.json", '[["a", true]]', ["entry [0][1] is true"]),
        ("a.json", '[["a b", 1]]', ["entry [0][0]: a sign is missing", "      ^"]),
        ("a.json", '[["exec(1)", 1]]', ["'exec' is no function"]),
        ("a.json", '[["a", 1], ["b"]]', ["entry [1] is a list of 1 numbers"]),
        ("a.json", '[["a", 1e999]]', ["entry [0][1] is inf, not a finite number"]),
    ],
)  # fmt: skip
def test_faults_in_files_are_marked(name: str, content: str, words: list[str]) -> None:
    Path(name).write_text(content)
    told = message(run("decompose", name, "--tensor", "dielectric", code=2))
    for word in words:
        assert word in told
    assert told.startswith(f"error: {name}: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--group", "m-3m"], "--group needs a class"),
        (["a.json", "--tensor", "elastic", "--group", "m-3m"], "give no FILE"),
        (["--tensor", "elastic", "--group", "m-7m"], "m-7m"),
    ],
)
def test_what_is_wrong_with_a_group(arguments: list[str], words: str) -> None:
    assert words in message(run("decompose", *arguments, code=2))


def test_reconstruct_writes_symbols_where_they_can_stand() -> None:
    run("decompose", "--tensor", "elastic", "-g", "m-3m", "-o", "parts.json")
    told = message(run("reconstruct", "parts.json", "-o", "a.npy", code=2))
    assert "allowed: .json, .csv" in told
    assert "choose a form" in message(
        run("reconstruct", "parts.json", "--form", "full", "-o", "a.csv", code=2)
    )
    text = run("reconstruct", "parts.json", "--form", "full").stdout
    assert "  xxxx = C11\n" in text
    stored = json.loads(Path("parts.json").read_text())
    stored["parts"][0]["values"] = "0.5"
    Path("parts.json").write_text(json.dumps(stored))
    assert "part 0: the tensor: 0.5 is a decimal" in message(
        run("reconstruct", "parts.json", code=2)
    )


def test_equal_components_stand_together() -> None:
    a, b = sympy.symbols("a b", real=True)
    part = np.array([[a, b, 0], [b, -a, -b], [0, -b, 0]], dtype=object)
    assert component_lines(part) == ["xx = -yy = a", "xy = -yz = b"]
