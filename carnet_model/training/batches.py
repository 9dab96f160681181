"""Batches of samples: the steps of an epoch, and the share of each process in them.

A step is the same whatever the number of processes: so many structures, or structures with so many
edges, all together. They are divided by edges, so that no process waits long for another.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from natural_tensors.arrays import Integers

from ..network.batch import Batch, collate
from .config import Config
from .label_tensors import Labels, join_labels
from .sample_store import Sample, StoredSamples
from .samples import Samples

VALIDATION_BATCH = 64
"""Structures that a process predicts at once."""


LabelledBatch: TypeAlias = tuple[Batch, dict[str, Labels]]
"""Several graphs as one, with their labels by the key of the target."""


@dataclass(frozen=True)
class Share:
    """What one process computes in a step.

    Attributes:
        rows: numbers of the structures, at least one.
        factor: of their mean loss, such that the mean over the processes is the mean over the
            structures of the step; 0 where there are fewer structures than processes, and this one
            computes one of another.
    """

    rows: tuple[int, ...]
    factor: float


class StepBatch(NamedTuple):
    """The share of a process, ready for the network.

    Attributes:
        graphs: the structures.
        labels: by the key of the target.
        factor: as in `Share`.
    """

    graphs: Batch
    labels: dict[str, Labels]
    factor: float


def shares(rows: Sequence[int], edges: Integers, processes: int) -> list[Share]:
    """Divide a step so that the most edges of a process are few: the largest structures first.

    Args:
        rows: numbers of the structures, at least one.
        edges: of every structure of the set.
        processes: how many there are.
    """
    if processes == 1:
        return [Share(tuple(rows), 1.0)]
    loads = [(0, process) for process in range(processes)]
    parts: list[list[int]] = [[] for _ in loads]
    for place in sorted(range(len(rows)), key=lambda place: -edges[rows[place]]):
        load, process = heapq.heappop(loads)
        parts[process].append(place)
        heapq.heappush(loads, (load + int(edges[rows[place]]), process))
    return [
        Share(tuple(rows[place] for place in sorted(part)), processes * len(part) / len(rows))
        if part
        else Share((rows[0],), 0.0)
        for part in parts
    ]


class Steps(Sampler[Share]):
    """The steps of an epoch: their order follows from the seed and the number of the epoch.

    Args:
        edges: of every structure, shape ``(structures,)``.
        batch: structures in a step; the last may have fewer.
        batch_edges: edges in a step, about, in place of that.
        seed: of the order; None keeps it as it is.
        rank: number of this process.
        processes: how many there are.
    """

    def __init__(
        self,
        edges: Integers,
        *,
        batch: int,
        batch_edges: int | None = None,
        seed: int | None = None,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.edges, self.batch, self.batch_edges = edges, batch, batch_edges
        self.seed, self.rank, self.processes = seed, rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next steps."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Share]:
        size = len(self.edges)
        order = np.arange(size)
        if self.seed is not None:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(size)
        for rows in np.split(order, self._cuts(order)):
            yield shares(rows.tolist(), self.edges, self.processes)[self.rank]

    def _cuts(self, order: Integers) -> Integers:
        """Return the places in an order where steps begin, but for the first."""
        steps, size = len(self), len(order)
        numbers = np.arange(1, steps)
        if self.batch_edges is None:
            return numbers * self.batch
        sums = np.cumsum(self.edges[order], dtype=np.int64)
        cuts = np.searchsorted(sums, numbers * (sums[-1] / steps)) + 1
        cuts = np.maximum.accumulate(cuts - numbers) + numbers  # none is empty, and all are there
        return np.asarray(np.minimum(cuts, size - steps + numbers), dtype=np.int64)

    def __len__(self) -> int:
        size = len(self.edges)
        if self.batch_edges is None:
            return math.ceil(size / self.batch)
        return min(max(math.ceil(int(self.edges.sum()) / self.batch_edges), 1), size)


def join_samples(samples: Sequence[Sample]) -> LabelledBatch:
    """Join samples into a batch."""
    return (
        collate([sample.graph for sample in samples]),
        {key: join_labels([sample.labels[key] for sample in samples]) for key in samples[0].labels},
    )


class StepData(Dataset[StepBatch]):
    """Samples, to be had by the shares of steps."""

    def __init__(self, samples: StoredSamples) -> None:
        self.samples = samples

    def __getitem__(self, share: Share) -> StepBatch:
        store, rows = self.samples.store, self.samples.rows[list(share.rows)]
        labels = {key: store.labels(key, rows) for key in store.keys}
        return StepBatch(store.batch(rows), labels, share.factor)


class DataModule(pl.LightningDataModule):
    """The samples in steps.

    Args:
        samples: both sets.
        config: says how large a step is, and the seed of their order.
    """

    def __init__(self, samples: Samples, config: Config) -> None:
        super().__init__()
        self.samples, self.config = samples, config

    def train_dataloader(self) -> DataLoader[StepBatch]:
        """Return the share of this process in the training set, in the order of the epoch."""
        return self._loader(self.samples.train, training_steps(self.samples, self.config))

    def val_dataloader(self) -> DataLoader[StepBatch]:
        """Return the share of this process in the validation set, in its order."""
        val = self.samples.val
        return self._loader(val, Steps(val.edges, batch=VALIDATION_BATCH * self._processes))

    @property
    def _processes(self) -> int:
        assert self.trainer is not None
        return int(self.trainer.world_size)

    def _loader(self, samples: StoredSamples, steps: Steps) -> DataLoader[StepBatch]:
        assert self.trainer is not None
        steps.rank, steps.processes = self.trainer.global_rank, self._processes
        return DataLoader(
            StepData(samples),
            batch_size=None,
            sampler=steps,
            generator=torch.Generator(),  # leave the global one alone
        )


def training_steps(samples: Samples, config: Config) -> Steps:
    """Return the steps of an epoch of training, for one process."""
    return Steps(
        samples.train.edges,
        batch=config.batch,
        batch_edges=config.batch_edges,
        seed=config.seed,
    )
