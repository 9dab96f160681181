"""Batches of samples, the same order on every run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..network.graph import Batch, collate
from .label_tensors import Labels, join_labels
from .samples import Sample, Samples

VALIDATION_BATCH = 64
"""Structures predicted at once."""


LabelledBatch: TypeAlias = tuple[Batch, dict[str, Labels]]
"""Several graphs as one, with their labels by the key of the target."""


class EpochOrder(Sampler[int]):
    """Order of the training set: a permutation that follows from the seed and the epoch.

    With several processes each takes every so many, and all the same number.

    Args:
        size: number of structures.
        seed: of the run.
        rank: number of this process.
        processes: how many there are.
    """

    def __init__(self, size: int, seed: int, rank: int = 0, processes: int = 1) -> None:
        self.size, self.seed, self.rank, self.processes = size, seed, rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next permutation."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        order = np.resize(order, len(self) * self.processes)  # the first again, where it is uneven
        yield from order[self.rank :: self.processes].tolist()

    def __len__(self) -> int:
        return math.ceil(self.size / self.processes)


def join_samples(samples: Sequence[Sample]) -> LabelledBatch:
    """Join samples into a batch."""
    return (
        collate([sample.graph for sample in samples]),
        {key: join_labels([sample.labels[key] for sample in samples]) for key in samples[0].labels},
    )


class DataModule(pl.LightningDataModule):
    """The samples in batches.

    Args:
        samples: both sets.
        batch: structures in a step.
        seed: of the run.
    """

    def __init__(self, samples: Samples, *, batch: int, seed: int) -> None:
        super().__init__()
        self.samples, self.batch, self.seed = samples, batch, seed

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the training set in the order of the epoch; the last batch may be smaller."""
        rank, processes = self._process()
        return DataLoader(
            cast("Dataset[Sample]", self.samples.train),  # a sequence serves as one
            batch_size=self.batch,
            sampler=EpochOrder(len(self.samples.train), self.seed, rank, processes),
            collate_fn=join_samples,
            generator=torch.Generator(),  # leave the global one alone
        )

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return the share of this process in the validation set."""
        rank, processes = self._process()
        return DataLoader(
            cast("Dataset[Sample]", self.samples.val[rank::processes]),
            batch_size=VALIDATION_BATCH,
            collate_fn=join_samples,
            generator=torch.Generator(),
        )

    def _process(self) -> tuple[int, int]:
        """Return the number of this process, and of all processes."""
        assert self.trainer is not None
        return self.trainer.global_rank, self.trainer.world_size
