"""What an exported program may hold: checked, rebuilt, and only then given to PyTorch.

PyTorch reads a program with pickle, evaluates the text of its sizes and looks up the names of its
operations, so that a file can run anything. Here every entry of the archive and every field of the
program is held against a list of what an exported potential needs; a new archive is written from
what passed, and what was not asked for is not in it. Nothing of the file is run before.
"""

from __future__ import annotations

import ast
import io
import json
import keyword
import math
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch.utils import _pytree

Check = Callable[[object, str], Any]
"""Takes a value and its place, and returns the value as it may be, or raises RefusedError."""

_ON_TENSORS = """
_to_copy _unsafe_view abs add addmm alias arange bmm cat clamp clone copy cos cumsum detach div
embedding embedding_dense_backward eq exp expand eye fill full full_like gather ge gt index
index_add index_put index_select le lift_fresh_copy linalg_vector_norm log logical_and logical_not
logical_or lt masked_fill masked_fill_ matmul maximum mean minimum mm mul ne neg new_full new_ones
new_zeros norm ones ones_like permute pow reciprocal relu repeat reshape rsqrt rsub scalar_tensor
scatter scatter_add select select_backward sigmoid sigmoid_backward sign silu silu_backward sin
slice slice_backward softplus softplus_backward split split_with_sizes sqrt squeeze stack sub sum
sym_size t tanh tanh_backward transpose tril triu unbind unsqueeze view where zeros zeros_like
"""
_ON_SIZES = "add sub mul floordiv mod neg eq ne le ge lt gt"

OPERATIONS = frozenset(f"torch.ops.aten.{name}" for name in _ON_TENSORS.split())
"""Operations on tensors that have no other effect: no files, no code, no unchecked memory."""

ON_SIZES = frozenset(f"_operator.{name}" for name in _ON_SIZES.split())
"""Operations on sizes."""

FUNCTIONS = frozenset({"Add", "Mul", "FloorDiv", "Mod", "PythonMod", "Max", "Min"})
"""Functions in the text of a size, beside Symbol and Integer."""

LONGEST_EXPRESSION, LONGEST_NAME, LARGEST_SIZE = 1000, 200, 2**40
WORDS = frozenset({"floor", "trunc", "none", "tanh"})
"""Text that operations take."""

ITEM_SIZES = {4: 4, 5: 8, 7: 4, 8: 8, 12: 1}
"""Bytes of a number by PyTorch's code of its type: int32, int64, float32, float64, bool."""


class RefusedError(ValueError):
    """A file that holds what no exported potential needs, or lacks what it needs."""


def _refused(place: str, value: object, allowed: str) -> RefusedError:
    shown = json.dumps(value, default=str)
    return RefusedError(f"{place} is {shown[:80]}; allowed: {allowed}")


# --- the archive ----------------------------------------------------------------------------------

ENTRIES = {
    "archive_format": rb"pt2",
    "archive_version": rb"0",
    "byteorder": rb"little",
    ".data/version": rb"\d{1,3}\s*",
    ".data/serialization_id": rb"\d{0,80}",
    "data/sample_inputs/model.pt": rb"",
}
"""Small entries and what they hold; PyTorch would unpickle example inputs."""

PROGRAM, WEIGHTS, CONSTANTS = (
    "models/model.json",
    "data/weights/model_weights_config.json",
    "data/constants/model_constants_config.json",
)
_WEIGHT = re.compile(r"weight_\d{1,6}")
_DESCRIBED = re.compile(r"extra/[\w.-]{1,60}")


def rebuilt(path: Path) -> io.BytesIO:
    """Return an archive of what may be in a file, for ``torch.export.load``.

    Raises:
        RefusedError: when the file holds anything else; the message names it.
    """
    with zipfile.ZipFile(path) as archive:
        entries = _entries(archive, path.stat().st_size)
    needed = [*ENTRIES, PROGRAM, WEIGHTS, CONSTANTS]
    if missing := [name for name in needed if name not in entries]:
        raise RefusedError(f"{missing[0]} is missing")
    for name, pattern in ENTRIES.items():
        if not re.fullmatch(pattern, entries[name]):
            raise _refused(name, repr(entries[name][:40]), repr(pattern.decode()))
    program = CHECKED_PROGRAM(_json(entries, PROGRAM), PROGRAM)
    weights = CHECKED_WEIGHTS(_json(entries, WEIGHTS), WEIGHTS)
    CHECKED_CONSTANTS(_json(entries, CONSTANTS), CONSTANTS)
    for name, stated in weights["config"].items():
        _check_size(f"{WEIGHTS}: {name}", stated, entries)
    written = {name: entries[name] for name in ENTRIES}
    written |= {
        name: content
        for name, content in entries.items()
        if name.startswith("data/weights/weight_")
    }
    for name, content in ((PROGRAM, program), (WEIGHTS, weights), (CONSTANTS, {"config": {}})):
        written[name] = json.dumps(content).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in written.items():
            archive.writestr(f"program/{name}", data)
    buffer.seek(0)
    return buffer


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """Return the entries by name, without the folder that holds them all."""
    infos = archive.infolist()
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise RefusedError("an entry is compressed; allowed: entries as PyTorch stores them")
    if sum(info.file_size for info in infos) > size:
        raise RefusedError("its entries claim more bytes than the file has")
    roots = {info.filename.partition("/")[0] for info in infos}
    if len(roots) != 1:
        raise RefusedError(f"its entries are in {len(roots)} folders; allowed: one")
    entries: dict[str, bytes] = {}
    for info in infos:
        name = info.filename.partition("/")[2]
        folder, _, last = name.rpartition("/")
        known = name in {*ENTRIES, PROGRAM, WEIGHTS, CONSTANTS} or _DESCRIBED.fullmatch(name)
        if not known and not (folder == "data/weights" and _WEIGHT.fullmatch(last)):
            raise RefusedError(f"it holds {name[:80]!r}, which no exported potential has")
        if name in entries:
            raise RefusedError(f"it holds {name!r} twice")
        entries[name] = archive.read(info)
    return entries


def _json(entries: Mapping[str, bytes], name: str) -> object:
    decoded: object = json.loads(entries[name].decode())
    return decoded


def _check_size(place: str, stated: Mapping[str, Any], entries: Mapping[str, bytes]) -> None:
    """Refuse a weight that reaches beyond its bytes, which PyTorch would make up."""
    meta = stated["tensor_meta"]
    sizes, strides = ([entry["as_int"] for entry in meta[key]] for key in ("sizes", "strides"))
    if len(sizes) != len(strides):
        raise _refused(f"{place}.strides", strides, "one for each size")
    reach = meta["storage_offset"]["as_int"]
    if math.prod(sizes):
        reach += 1 + sum((size - 1) * step for size, step in zip(sizes, strides, strict=True))
    content = entries.get(f"data/weights/{stated['path_name']}")
    if content is None or reach * ITEM_SIZES[meta["dtype"]] > len(content):
        raise _refused(f"{place}.sizes", sizes, f"as many numbers as {stated['path_name']} holds")


# --- checks of values -----------------------------------------------------------------------------


def record(**fields: Check) -> Check:
    """Check an object; every field must be there, and others are dropped."""

    def check(value: object, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refused(place, value, "an object")
        if missing := [name for name in fields if name not in value]:
            raise RefusedError(f"{place} has no {missing[0]!r}")
        return {name: each(value[name], f"{place}.{name}") for name, each in fields.items()}

    return check


def union(**kinds: Check) -> Check:
    """Check an object with one of these keys."""

    def check(value: object, place: str) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= kinds.keys():
            raise _refused(place, value, f"an object with one of {', '.join(kinds)}")
        ((kind, content),) = value.items()
        return {kind: kinds[kind](content, f"{place}.{kind}")}

    return check


def several(each: Check) -> Check:
    """Check a list."""

    def check(value: object, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise _refused(place, value, "a list")
        return [each(entry, f"{place}.{number}") for number, entry in enumerate(value)]

    return check


def table(names: Check, each: Check) -> Check:
    """Check an object of any names."""

    def check(value: object, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refused(place, value, "an object")
        return {names(name, place): each(entry, f"{place}.{name}") for name, entry in value.items()}

    return check


def only(*allowed: object) -> Check:
    """Check that a value is one of these, of the same type."""

    def check(value: object, place: str) -> object:
        if any(value == one and type(value) is type(one) for one in allowed):
            return value
        raise _refused(place, value, ", ".join(map(str, allowed)))

    return check


def whole(low: int, high: int) -> Check:
    """Check a whole number."""

    def check(value: object, place: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise _refused(place, value, f"a whole number, {low} .. {high}")
        return value

    return check


def number(value: object, place: str) -> float:
    """Check a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(place, value, "a number")
    return float(value)


def positive(value: object, place: str) -> float:
    """Check a positive number that is finite."""
    if not 0 < (given := number(value, place)) < math.inf:
        raise _refused(place, value, "a positive number")
    return given


def text(pattern: str, allowed: str) -> Check:
    """Check a text against an expression."""
    compiled = re.compile(pattern)

    def check(value: object, place: str) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_NAME:
            raise _refused(place, value, allowed)
        if not compiled.fullmatch(value) or keyword.iskeyword(value):
            raise _refused(place, value, allowed)
        return value

    return check


def put(value: object) -> Check:
    """Return a check that puts a value of ours in place of whatever is there."""
    return lambda _, place: value


def expression(value: object, place: str) -> str:
    """Check the text of a size, such as ``Mul(Integer(3), Symbol('s26', integer=True))``."""
    allowed = f"Symbol, Integer, {', '.join(sorted(FUNCTIONS))}"
    if not isinstance(value, str) or len(value) > LONGEST_EXPRESSION:
        raise _refused(place, value, allowed)
    try:
        tree = ast.parse(value, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(place, value, allowed) from None
    if not _is_size(tree):
        raise _refused(place, value, allowed)
    return value


def _is_size(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    function, arguments = node.func.id, node.args
    if function == "Integer":
        return not node.keywords and len(arguments) == 1 and _is_whole(arguments[0])
    if function == "Symbol":
        named = len(arguments) == 1 and isinstance(arguments[0], ast.Constant)
        name = arguments[0].value if named and isinstance(arguments[0], ast.Constant) else None
        assumed = all(
            key.arg in ("positive", "integer", "nonnegative")
            and isinstance(key.value, ast.Constant)
            and type(key.value.value) is bool
            for key in node.keywords
        )
        return isinstance(name, str) and bool(re.fullmatch(r"s\d{1,6}", name)) and assumed
    return function in FUNCTIONS and not node.keywords and all(map(_is_size, arguments))


def _is_whole(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value < 2**63


def operation(value: object, place: str) -> str:
    """Check the name of an operation, such as ``torch.ops.aten.add.Tensor``."""
    if isinstance(value, str):
        name, _, overload = value.rpartition(".")
        known = name in OPERATIONS and re.fullmatch(r"(?!.*out)\w{1,40}", overload)
        if known or value in ON_SIZES:
            return value
    raise _refused(place, value, "operations on tensors and sizes that change nothing else")


# --- the program ----------------------------------------------------------------------------------

NAME = text(r"(?!__)[A-Za-z_][A-Za-z0-9_]*(?<!__)", "a name")
PATH = text(r"(?!__)[A-Za-z_][A-Za-z0-9_]*(\.(?!__)[A-Za-z0-9_]+)*(?<!__)", "names joined by dots")
SYMBOL = text(r"s\d{1,6}", "a symbol such as s26")
FLAG, NOTHING = only(True, False), only(True)
INTEGER = whole(-(2**63), 2**63 - 1)
SIZE = whole(0, LARGEST_SIZE)
TENSOR = record(name=NAME)
DEVICE = record(type=only("cpu", "cuda", "mps", "xpu"), index=put(None))
HINT = union(as_int=INTEGER, as_bool=FLAG)
SYMBOLIC = record(expr_str=expression, hint=lambda value, place: value and HINT(value, place))
FREE_SIZE = union(as_expr=SYMBOLIC, as_int=whole(-LARGEST_SIZE, LARGEST_SIZE))
CODE = whole(0, 30)
"""PyTorch's numbers for types of data, layouts and formats of memory."""


def tensor_meta(size: Check, dtype: Check) -> Check:
    """Check the description of a tensor."""
    return record(
        dtype=dtype,
        sizes=several(size),
        requires_grad=FLAG,
        device=DEVICE,
        strides=several(size),
        storage_offset=size,
        layout=only(7),
    )


SIZE_ARGUMENT = union(as_name=NAME, as_int=INTEGER)
TRUTH_ARGUMENT = union(as_name=NAME, as_bool=FLAG)
ARGUMENT = union(
    as_none=NOTHING,
    as_tensor=TENSOR,
    as_tensors=several(TENSOR),
    as_optional_tensors=several(union(as_tensor=TENSOR, as_none=NOTHING)),
    as_int=INTEGER,
    as_ints=several(INTEGER),
    as_float=number,
    as_floats=several(number),
    as_bool=FLAG,
    as_bools=several(FLAG),
    as_string=only(*WORDS),
    as_sym_int=SIZE_ARGUMENT,
    as_sym_ints=several(SIZE_ARGUMENT),
    as_sym_bool=TRUTH_ARGUMENT,
    as_scalar_type=CODE,
    as_memory_format=CODE,
    as_layout=CODE,
    as_device=DEVICE,
)
NODE = record(
    target=operation,
    inputs=several(record(name=NAME, arg=ARGUMENT, kind=only(None, 0, 1, 2))),
    outputs=several(ARGUMENT),
    metadata=put({}),
    is_hop_single_tensor_return=put(None),
    name=lambda value, place: value and NAME(value, place),
)
GRAPH = record(
    inputs=several(union(as_tensor=TENSOR)),
    outputs=several(union(as_tensor=TENSOR)),
    nodes=several(NODE),
    tensor_values=table(NAME, tensor_meta(FREE_SIZE, CODE)),
    sym_int_values=table(NAME, FREE_SIZE),
    sym_bool_values=table(NAME, union(as_expr=SYMBOLIC, as_bool=FLAG)),
    is_single_tensor_return=only(False),
    custom_obj_values=put({}),
    sym_float_values=put({}),
)
SIGNATURE = record(
    input_specs=several(
        union(
            parameter=record(arg=TENSOR, parameter_name=PATH),
            buffer=record(arg=TENSOR, buffer_name=PATH, persistent=FLAG),
            user_input=record(arg=union(as_tensor=TENSOR)),
        )
    ),
    output_specs=several(union(user_output=record(arg=union(as_tensor=TENSOR)))),
)


def _tree(example: object) -> str:
    return _pytree.treespec_dumps(_pytree.tree_structure(example))


CALL = {
    "fqn": "",
    "signature": {
        "inputs": [],
        "outputs": [],
        "in_spec": _tree(((0, 0, 0, 0), {})),
        "out_spec": _tree((0, 0)),
        "forward_arg_names": None,
    },
}
"""How a potential is called: four tensors in, two out."""

CHECKED_PROGRAM = record(
    graph_module=record(
        graph=GRAPH,
        signature=SIGNATURE,
        module_call_graph=put([CALL]),
        metadata=put({}),
        treespec_namedtuple_fields=put({}),
    ),
    opset_version=table(only("aten"), whole(0, 1000)),
    range_constraints=table(
        SYMBOL,
        record(
            min_val=lambda value, place: value and INTEGER(value, place),
            max_val=lambda value, place: value and INTEGER(value, place),
        ),
    ),
    schema_version=record(major=whole(0, 1000), minor=whole(0, 1000)),
    verifiers=several(only("TRAINING", "ATEN")),
    torch_version=text(r"[\w.+-]{1,60}", "a version"),
    guards_code=put([]),
)
CHECKED_WEIGHTS = record(
    config=table(
        PATH,
        record(
            path_name=text(_WEIGHT.pattern, "weight_0, weight_1, ..."),
            is_param=FLAG,
            use_pickle=only(False),
            tensor_meta=tensor_meta(union(as_int=SIZE), only(*ITEM_SIZES)),
        ),
    )
)
CHECKED_CONSTANTS = record(config=table(only(), put(None)))
