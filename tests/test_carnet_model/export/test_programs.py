"""Exported files from strangers: nothing in them runs, and what is damaged is one error."""

from __future__ import annotations

import json
import pickle
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from carnet_model.export import programs
from carnet_model.export.exported import METADATA, ExportError, load_exported
from tests.helpers.small_programs import (
    PROGRAM,
    WEIGHTS,
    Entries,
    changed,
    edited,
    entries,
    small_program,
)


def graph(program: dict[str, Any]) -> Any:
    return program["graph_module"]["graph"]


def first_size(program: dict[str, Any]) -> Any:
    """Return the first size of a tensor that is an expression."""
    return next(
        size["as_expr"]
        for meta in graph(program)["tensor_values"].values()
        for size in meta["sizes"]
        if "as_expr" in size
    )


class _Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.mark), "w")


def test_a_program_is_rebuilt_without_what_is_not_needed() -> None:
    with zipfile.ZipFile(programs.rebuilt(small_program())) as archive:
        names = set(archive.namelist())
        program = json.loads(archive.read(f"program/{PROGRAM}"))
    assert names == {f"program/{name}" for name in entries()} - {f"program/extra/{METADATA}"}
    assert json.loads(entries()[PROGRAM])["guards_code"]
    assert program["guards_code"] == []
    assert all(node["metadata"] == {} for node in graph(program)["nodes"])
    potential = load_exported(small_program())
    ends = torch.tensor([0, 1]), torch.tensor([1, 0])
    vectors = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    found = potential(torch.tensor([14, 14]), *ends, vectors)
    assert found.energies.tolist() == [1.5, 1.5]
    assert torch.equal(found.gradient, 3 * vectors)


def test_no_pickle_is_read_and_no_text_is_evaluated(tmp_path: Path) -> None:
    """Each of these files makes a file when PyTorch reads it, the last one when it is called."""
    mark = tmp_path / "a file ran code"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    torch.save(_Planted(mark), tmp_path / "pickle", pickle_module=pickle)
    pickled = (tmp_path / "pickle").read_bytes()

    def put(name: str) -> Callable[[Entries], object]:
        return lambda held: held.update({name: pickled})

    def use_pickle(held: Entries) -> None:
        config = json.loads(held[WEIGHTS])
        for stated in config["config"].values():
            stated["use_pickle"] = True
        held |= {WEIGHTS: json.dumps(config).encode(), "data/weights/weight_0": pickled}

    def constants(held: Entries) -> None:
        config = {"a": {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}}
        held["data/constants/model_constants_config.json"] = json.dumps({"config": config}).encode()
        held["data/constants/opaque_obj_0"] = pickled

    files = [
        changed(tmp_path / "inputs.pt2", put("data/sample_inputs/model.pt")),
        changed(tmp_path / "old.pt2", put("data/weights/model.pt")),
        changed(tmp_path / "weights.pt2", use_pickle),
        changed(tmp_path / "constants.pt2", constants),
        edited(tmp_path / "size.pt2", PROGRAM, lambda p: first_size(p).update(expr_str=code)),
        edited(
            tmp_path / "call.pt2",
            PROGRAM,
            lambda p: graph(p)["nodes"][1].update(target="torch.os.system"),
        ),
        edited(
            tmp_path / "name.pt2",
            PROGRAM,
            lambda p: graph(p)["nodes"][1].update(name=f"a = {code}; b"),
        ),
    ]
    for file in files:
        with pytest.raises(ExportError, match="no exported potential that can be trusted"):
            load_exported(file)
        assert not mark.exists(), file
    guarded = edited(tmp_path / "guard.pt2", PROGRAM, lambda p: p.update(guards_code=[code]))
    ends = torch.tensor([0, 1]), torch.tensor([1, 0])
    load_exported(guarded)(torch.tensor([14, 14]), *ends, torch.ones(2, 3))
    assert not mark.exists()


def test_machine_code_runs_when_it_is_trusted_only(tmp_path: Path) -> None:
    path = changed(
        tmp_path / "a.pt2", lambda held: held.update({"data/aotinductor/model/a.so": b"\x7fELF"})
    )
    with pytest.raises(ExportError, match=r"machine code.*trusted=True"):
        load_exported(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda held: held.pop(PROGRAM), "models/model.json is missing"),
        (lambda held: held.pop("data/weights/weight_0"), "as many numbers as weight_0 holds"),
        (lambda held: held.update({"data/weights/weight_0": b""}), "as many numbers as weight_0"),
        (lambda held: held.update({PROGRAM: b"["}), "cannot be read"),
        (lambda held: held.update({PROGRAM: b"[" * 10**5}), "cannot be read"),
        (lambda held: held.update({PROGRAM: b"\xff"}), "cannot be read"),
        (lambda held: held.update({PROGRAM: b"[]"}), r"is \[\]; allowed: an object"),
        (lambda held: held.update({"byteorder": b"big"}), "byteorder is"),
        (lambda held: held.update({"version": b"6"}), "holds 'version', which no"),
        (lambda held: held.update({"../../x": b""}), "which no exported potential has"),
        (lambda held: held.pop(f"extra/{METADATA}"), "holds no exported potential"),
    ],
)
def test_damaged_archives(tmp_path: Path, change: Callable[[Entries], object], words: str) -> None:
    path = changed(tmp_path / "a.pt2", change)
    with pytest.raises(ExportError, match=words) as caught:
        load_exported(path)
    assert "\n" not in str(caught.value)


def test_archives_that_are_none(tmp_path: Path) -> None:
    content = small_program().read_bytes()
    path = tmp_path / "a.pt2"
    for cut in (1, 100, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:cut])
        with pytest.raises(ExportError, match="it is no archive, or a damaged one"):
            load_exported(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in entries().items():
            archive.writestr(f"a/{name}", held)
    with pytest.raises(ExportError, match="an entry is compressed"):
        load_exported(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, held in entries().items():
            archive.writestr(f"a/{name}", held)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(f"a/{PROGRAM}", entries()[PROGRAM])
    with pytest.raises(ExportError, match="twice"):
        load_exported(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.pop("graph_module"),
        lambda p: p.update(verifiers=["os"]),
        lambda p: p.update(range_constraints={"u99999999999": {"min_val": 0, "max_val": None}}),
        lambda p: p.update(opset_version={"aten": "x"}),
        lambda p: graph(p).update(inputs=None),
        lambda p: graph(p)["nodes"][0].pop("inputs"),
        lambda p: graph(p)["nodes"][0]["inputs"][0].update(name="self, os"),
        lambda p: graph(p)["nodes"][0]["inputs"][0].update(arg={"as_operator": "torch.load"}),
        lambda p: graph(p)["nodes"][0]["inputs"][0].update(arg={"as_string": "/etc/passwd"}),
        lambda p: graph(p)["nodes"][0]["inputs"][0].update(arg={"as_int": 10**30}),
        lambda p: graph(p)["nodes"][0].update(target="torch.ops.aten.from_file.default"),
        lambda p: graph(p)["nodes"][0].update(name="import"),
        lambda p: graph(p)["nodes"][0].update(name="__class__"),
        lambda p: graph(p)["nodes"][0].update(name="x" * 300),
        lambda p: p["graph_module"]["signature"].update(input_specs=[{"custom_obj": {}}]),
        lambda p: first_size(p).update(hint={"as_int": 1, "as_bool": True}),
    ],
)
def test_programs_that_hold_what_none_needs(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(programs.RefusedError, match=r"models/model\.json"):
        programs.rebuilt(edited(tmp_path / "a.pt2", PROGRAM, change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cutoff": "x"}, "cutoff is"),
        ({"cutoff": float("inf")}, "a positive number"),
        ({"elements": ["x"]}, r"elements.0 is .*1 \.\. 118"),
        ({"dtype": "float16"}, "float32, float64"),
        ({"unit": [1]}, "unit is"),
        ({"target": None}, "target is null"),
        ({"format": "1"}, "holds no exported potential"),
        ({"format": 99}, "has format 99"),
    ],
)
def test_descriptions(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = edited(tmp_path / "a.pt2", f"extra/{METADATA}", lambda held: held.update(change))
    with pytest.raises(ExportError, match=words):
        load_exported(path)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("Symbol('s26', positive=True, integer=True)", True),
        ("Mul(Integer(3), Symbol('s0', integer=True))", True),
        ("Add(Integer(-1), FloorDiv(Symbol('s1'), Integer(2)))", True),
        ("Symbol('s26', positive=print(1))", False),
        ("Symbol('os')", False),
        ("Symbol(*['s26'])", False),
        ("Symbol('s26', **{'a': True})", False),
        ("Integer(10**10)", False),
        ("Integer(Integer(1))", False),
        ("Pow(Integer(9), Integer(999999999))", False),
        ("__import__('os').system('x')", False),
        ("Add.__class__", False),
        ("(lambda: 0)()", False),
        ("Add(" * 100 + "Integer(1)" + ")" * 100, True),
        ("(" * 999, False),
        ("1", False),
        ("", False),
        (7, False),
    ],
)
def test_expressions_of_sizes(text: object, good: bool) -> None:
    if good:
        assert programs.expression(text, "here") == text
    else:
        with pytest.raises(programs.RefusedError, match="here is"):
            programs.expression(text, "here")


def test_operations_exist_and_write_nowhere() -> None:
    """Each is an operation of PyTorch, no overload of it takes text but the few words allowed."""
    for name in sorted(programs.OPERATIONS):
        packet = getattr(torch.ops.aten, name.rpartition(".")[2])
        for overload in packet.overloads():
            schema = getattr(packet, overload)._schema
            kinds = {str(argument.type) for argument in schema.arguments}
            assert not {kind for kind in kinds if "Storage" in kind or "Stream" in kind}, name
    for bad in ("torch.ops.aten.add.out", "torch.ops.aten.add", "torch.load", "_operator.call", 3):
        with pytest.raises(programs.RefusedError):
            programs.operation(bad, "here")


def test_random_damage_is_one_error(tmp_path: Path) -> None:
    """Bytes changed in the archive: a potential of the same size, or one line."""
    draw = random.Random(16)
    content, path = small_program().read_bytes(), tmp_path / "a.pt2"
    for _ in range(60):
        bad = bytearray(content)
        for _ in range(draw.choice((1, 4, 40))):
            bad[draw.randrange(len(bad))] = draw.randrange(256)
        path.write_bytes(bytes(bad))
        with suppress(ExportError):
            load_exported(path)
