"""Samples on disk: graphs and labels, written once as they are read and memory-mapped afterwards.

A store is one file of Arrow. Memory holds a block of structures while it is written, and some
numbers for each structure afterwards; the rest is what the operating system keeps of the file,
shared by all processes of a machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias, cast, get_args, overload

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from natural_tensors.arrays import Integers

from ..data.examples import PREDICTED, DatasetError, Example
from ..data.fingerprints import Fingerprints, fingerprint_of, joined_fingerprint
from ..network.batch import Batch
from ..network.targets import Target
from ..structures import graph
from ..structures.closest import Closest
from ..structures.graph import Graph
from ..structures.signature import signature
from .label_tensors import Labels, PotentialLabels, TensorLabels

Numbers: TypeAlias = NDArray[Any]
"""Integers or floating-point numbers."""

Role = Literal["train", "val", "train by split", "val by role"]
"""Who a sample is: ``"train by split"`` may train unless the split gives its formula to validation,
``"val by role"`` is of a source that only validates."""

ROLES: tuple[Role, ...] = get_args(Role)

BLOCK = 256
"""Structures that are written at once."""

REMARKS, SHAPES = b"remarks", b"shapes"
"""Keys of what the file says of itself: remarks, and the shape of the numbers of a row."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One structure as training sees it.

    Attributes:
        identifier: what its record is called.
        formula: its reduced formula.
        source: where it comes from.
        graph: its graph.
        labels: by the key of the target, of its systems: one, or one for each atom.
    """

    identifier: str
    formula: str
    source: str
    graph: Graph
    labels: Mapping[str, Labels]


class Column(NamedTuple):
    """Numbers of the structures of a block, one after another, and where each begins."""

    values: Numbers
    starts: Numbers

    def of(self, row: int) -> Numbers:
        """Return the numbers of one structure of the block."""
        return self.values[self.starts[row] : self.starts[row + 1]]


class StoreWriter:
    """Writes samples, a block at a time.

    Args:
        sink: an open file of Arrow.
        cutoff: of the graphs, angstrom.
    """

    def __init__(self, sink: Any, cutoff: float) -> None:
        self.cutoff, self.count = cutoff, 0
        self._sink, self._file = sink, cast(Any, None)  # opened when the columns are known
        self._texts: dict[str, list[str]] = {}
        self._numbers: dict[str, list[Numbers]] = {}

    def add(self, example: Example, labels: Mapping[str, Labels], role: Role) -> None:
        """Write a sample.

        Raises:
            DatasetError: when its cell is too small to be kept.
            GeometryError: when it has too many edges.
        """
        if self.count and self.count % BLOCK == 0:
            self._write({})
        texts = {
            "identifier": example.identifier,
            "formula": example.formula,
            "source": example.source,
            "fingerprint": fingerprint_of(example),
        }
        facts = [ROLES.index(role), any(example.geometry.periodic)]
        numbers = {
            "facts": np.array(facts, dtype=np.int8),
            "signature": signature(example.geometry).astype(np.float16),
            **_graph_numbers(graph.build(example.geometry, self.cutoff), example.identifier),
            **{
                f"{key}/{field.name}": getattr(each, field.name).numpy()
                for key, each in labels.items()
                for field in fields(each)
            },
        }
        for name, text in texts.items():
            self._texts.setdefault(name, []).append(text)
        for name, values in numbers.items():
            self._numbers.setdefault(name, []).append(values)
        self.count += 1

    def finish(self, remarks: Sequence[str]) -> None:
        """Write what is left, at least one sample, and what was said while they were read."""
        self._write({REMARKS: json.dumps(list(remarks)).encode()})
        assert self._file is not None
        self._file.close()

    def _write(self, told: Mapping[bytes, bytes]) -> None:
        """Write the block that was collected."""
        arrays: dict[str, Any] = {
            name: pa.array([text.encode(errors="replace").decode() for text in texts], pa.string())
            for name, texts in self._texts.items()
        }
        for name, parts in self._numbers.items():
            starts = np.cumsum([0, *(part.size for part in parts)], dtype=np.int64)
            values = np.concatenate([part.reshape(-1) for part in parts])
            arrays[name] = pa.LargeListArray.from_arrays(pa.array(starts), pa.array(values))
        block = pa.RecordBatch.from_pydict(arrays)
        if self._file is None:
            shapes = {name: parts[0].shape[1:] for name, parts in self._numbers.items()}
            schema = block.schema.with_metadata({SHAPES: json.dumps(shapes).encode()})
            self._file = pa.ipc.new_file(self._sink, schema)
        self._file.write_batch(block, custom_metadata=told)
        self._texts, self._numbers = {}, {}


def _graph_numbers(built: Graph, name: str) -> dict[str, Numbers]:
    """Return a graph as it is kept: receivers are sorted, and how many each has says it all."""
    if np.abs(built.shifts).max(initial=0) > np.iinfo(np.int16).max:
        raise DatasetError(f"{name}: its cell is too small; check the unit of its lattice")
    return {
        "numbers": built.numbers.astype(np.uint8),
        "positions": built.positions,
        "cell": built.cell,
        "degrees": np.bincount(built.receivers, minlength=built.atoms).astype(np.int32),
        "senders": built.senders.astype(np.int32),
        "shifts": built.shifts.astype(np.int16),
    }


class Store:
    """Samples that were written.

    Args:
        source: an open file of Arrow, or a memory map of one.
        targets: whose labels it holds.

    Raises:
        ArrowInvalid, KeyError, ValueError: when it is damaged, or holds other columns.
    """

    def __init__(self, source: Any, targets: Sequence[Target]) -> None:
        reader = pa.ipc.open_file(source)
        self._shapes: dict[str, list[int]] = json.loads(reader.schema.metadata[SHAPES])
        self._classes: dict[str, type[Labels]] = {
            target.key: PotentialLabels if target.potential else TensorLabels for target in targets
        }
        self._texts: list[dict[str, Any]] = []
        self._blocks: list[dict[str, Column]] = []
        told: Mapping[bytes, bytes] = {}
        for number in range(reader.num_record_batches):
            block, told = reader.get_batch_with_custom_metadata(number)
            columns = dict(zip(block.schema.names, block.columns, strict=True))
            self._texts.append({name: columns.pop(name) for name in columns.keys() - self._shapes})
            self._blocks.append(
                {
                    name: Column(column.values.to_numpy(), column.offsets.to_numpy())
                    for name, column in columns.items()
                }
            )
        self.remarks: tuple[str, ...] = tuple(json.loads(told[REMARKS]))
        self._ends = np.cumsum([len(block["facts"].starts) - 1 for block in self._blocks])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def texts(self, name: str) -> list[str]:
        """Return a text of every sample: identifier, formula, source or fingerprint."""
        return [text for texts in self._texts for text in texts[name].to_pylist()]

    def numbers(self, name: str, rows: Integers) -> list[Numbers]:
        """Return the numbers of some samples in one of the columns, flat."""
        return [block[name].of(row) for block, row in self._places(rows)]

    @cached_property
    def roles(self) -> list[Role]:
        """Who each sample is."""
        return [ROLES[number] for number in self._facts[:, 0].tolist()]

    @cached_property
    def periodic(self) -> list[bool]:
        """Whether each sample repeats along any direction."""
        return [bool(number) for number in self._facts[:, 1].tolist()]

    @cached_property
    def _facts(self) -> Numbers:
        return np.concatenate([block["facts"].values for block in self._blocks]).reshape(-1, 2)

    @cached_property
    def edges(self) -> Integers:
        """Number of edges of every sample."""
        return np.concatenate([np.diff(block["senders"].starts) for block in self._blocks])

    @cached_property
    def atoms(self) -> Integers:
        """Number of atoms of every sample."""
        return np.concatenate([np.diff(block["numbers"].starts) for block in self._blocks])

    def sample(self, row: int) -> Sample:
        """Return a sample."""
        rows = np.array([row])
        number = int(np.searchsorted(self._ends, row, side="right"))
        ((_, place),) = self._places(rows)
        texts = {name: column[place].as_py() for name, column in self._texts[number].items()}
        labels = {key: self.labels(key, rows) for key in self.keys}
        built = self._graph(rows)
        return Sample(texts["identifier"], texts["formula"], texts["source"], built, labels)

    def _graph(self, rows: Integers) -> Graph:
        """Return the graph of one sample; of several, their atoms and edges one after another."""
        numbers, positions, cells, degrees, senders, shifts = (
            np.concatenate(self.numbers(name, rows))
            for name in ("numbers", "positions", "cell", "degrees", "senders", "shifts")
        )
        return Graph(
            numbers=numbers.astype(np.int64),
            positions=positions.reshape(-1, 3),
            cell=cells.reshape(-1, 3),
            senders=senders.astype(np.int64),
            receivers=np.repeat(np.arange(len(numbers)), degrees),
            shifts=shifts.reshape(-1, 3).astype(np.int64),
        )

    def batch(self, rows: Integers) -> Batch:
        """Return some samples as `collate` joins their graphs, in single precision."""
        joined, counts = self._graph(rows), self.atoms[rows]
        starts = np.cumsum(counts) - counts
        return Batch(
            numbers=torch.from_numpy(joined.numbers),
            positions=torch.from_numpy(joined.positions).float(),
            cells=torch.from_numpy(joined.cell.reshape(-1, 3, 3)).float(),
            senders=torch.from_numpy(joined.senders + np.repeat(starts, self.edges[rows])),
            receivers=torch.from_numpy(joined.receivers),
            shifts=torch.from_numpy(joined.shifts).float(),
            owners=torch.from_numpy(np.repeat(np.arange(len(rows)), counts)),
            counts=torch.from_numpy(counts),
        )

    def closest(self, rows: Integers) -> Closest:
        """Return the shortest distances between elements in some samples, within the cutoff."""
        found = []
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            joined, counts, edges = self._graph(some), self.atoms[some], self.edges[some]
            senders = joined.senders + np.repeat(np.cumsum(counts) - counts, edges)
            cells = np.repeat(joined.cell.reshape(-1, 3, 3), edges, axis=0)
            ends = joined.positions[senders] + np.einsum("ei,eij->ej", joined.shifts, cells)
            distances = np.linalg.norm(ends - joined.positions[joined.receivers], axis=1)
            found.append(Closest.of(joined.numbers, joined.receivers, senders, distances))
        return Closest.in_any(found)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the targets."""
        return tuple(self._classes)

    def labels(self, key: str, rows: Integers) -> Labels:
        """Return the labels of one target of some samples, joined."""
        kind, places = self._classes[key], self._places(rows)
        tensors = {}
        for field in fields(kind):
            name = f"{key}/{field.name}"
            joined = np.concatenate([block[name].of(place) for block, place in places])
            tensors[field.name] = torch.from_numpy(joined.reshape(-1, *self._shapes[name]))
        return kind(**tensors)

    def _places(self, rows: Integers) -> list[tuple[dict[str, Column], int]]:
        """Return the block of each sample, and its number there."""
        numbers = np.searchsorted(self._ends, rows, side="right")
        first = np.concatenate([[0], self._ends])[numbers]
        return [
            (self._blocks[number], place)
            for number, place in zip(numbers.tolist(), (rows - first).tolist(), strict=True)
        ]


class StoredSamples(Sequence[Sample]):
    """Some samples of a store, in an order of their own.

    Args:
        store: holds them.
        rows: their numbers there.
    """

    def __init__(self, store: Store, rows: Integers) -> None:
        self.store, self.rows = store, rows

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> StoredSamples: ...
    def __getitem__(self, index: int | slice) -> Sample | StoredSamples:
        if isinstance(index, slice):
            return StoredSamples(self.store, self.rows[index])
        return self.store.sample(int(self.rows[index]))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def edges(self) -> Integers:
        """Number of edges of each."""
        return self.store.edges[self.rows]

    @property
    def numbers(self) -> list[Integers]:
        """Atomic numbers of each."""
        return self.store.numbers("numbers", self.rows)

    def labels(self, target: Target) -> Labels:
        """Return the labels of a target, joined."""
        return self.store.labels(target.key, self.rows)

    def fingerprint(self) -> str:
        """Return the fingerprint of all of them, in any order."""
        return joined_fingerprint(self._texts("fingerprint"))

    def contents(self) -> bytes:
        """Return a SHA-256 of structures, labels and weights, in their order."""
        digest = hashlib.sha256()
        for name in ("numbers", "positions", "cell"):
            for values in self.store.numbers(name, self.rows):
                digest.update(np.ascontiguousarray(values).tobytes())
        for text in self._texts("fingerprint"):
            digest.update(text.encode())
        return digest.digest()

    def signatures(self) -> Fingerprints:
        """Return what tells whether a structure is one of them; a model's labels do not count."""
        sources = self._texts("source")
        labelled = [place for place, source in enumerate(sources) if source != PREDICTED]
        numbers = np.array(self.store.numbers("signature", self.rows), dtype=np.float16)
        names, formulas = self._texts("identifier"), self._texts("formula")
        return Fingerprints(
            tuple(names[place] for place in labelled),
            tuple(formulas[place] for place in labelled),
            numbers[labelled],
        )

    def closest(self) -> Closest:
        """Return the shortest distances between elements in them, within the cutoff."""
        return self.store.closest(self.rows)

    def _texts(self, name: str) -> list[str]:
        texts = self.store.texts(name)
        return [texts[row] for row in self.rows.tolist()]
