"""Pieces computed by Ray Data: actors that hold the model, on this machine or on a cluster.

Ray streams: a task for each input cuts it into pieces, and as many actors as asked for take them as
they come. Ray begins actors and tasks again when they, or their machines, end. What is done is kept
in the folder of the results, as with every engine. Ray's own checkpoints would do the same for rows
by their ids; they are not used: they are new (beta), want ids that differ, and go when a run ends.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Datasource
from ray.data.block import BlockMetadata
from ray.data.datasource import ReadTask

from natural_tensors.errors import InputError

from .isolation import Isolated, Start, WorkerError
from .pieces import Piece
from .settings import Outcome, Settings

LOCAL = "local"
"""In place of an address: Ray is started on this machine, and ended again."""

Cut = Callable[[], Iterable[Piece]]
"""Returns the pieces of an input that are to be done."""


class Inputs(Datasource):  # type: ignore[misc]  # Ray states no types that are read
    """Inputs as Ray reads them: a task for each, whose rows are pieces.

    Args:
        cuts: of each input.
    """

    def __init__(self, cuts: Sequence[Cut]) -> None:
        super().__init__()
        self._cuts = list(cuts)

    def estimate_inmemory_data_size(self) -> int | None:
        """Say that nobody knows how large the inputs are."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
    ) -> list[ReadTask]:
        """Return a task for each input."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None)
        return [ReadTask(partial(_blocks, cut), unknown) for cut in self._cuts]


def _blocks(cut: Cut) -> Iterator[pa.Table]:
    for piece in cut():
        yield pa.table({"piece": pa.array([pickle.dumps(piece)], pa.large_binary())})


class Actor:
    """What holds a model on the machine that Ray chooses, in a process that may die of a structure.

    Args:
        start: makes the worker.
        settings: what `start` is called with.
    """

    def __init__(self, start: Start, settings: Settings) -> None:
        self._worker = Isolated(start, settings)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Compute pieces; an error is a row, since Ray would wrap it in its own."""
        answers: list[tuple[Any, str]] = []
        for content in batch.column("piece").to_pylist():
            try:
                answers.append((self._worker(pickle.loads(content)), ""))
            except (InputError, OSError) as error:
                answers.append((Outcome(0, 0, 0), str(error) or type(error).__name__))
        return pa.table(
            {
                "outcome": pa.array([pickle.dumps(outcome) for outcome, _ in answers], pa.binary()),
                "error": pa.array([error for _, error in answers], pa.string()),
            }
        )


def on_ray(
    cuts: Sequence[Cut], address: str, workers: int, start: Start, settings: Settings
) -> Generator[Outcome]:
    """Yield the outcomes of pieces, as they come.

    Args:
        cuts: of each input, the pieces that are to be done.
        address: of a cluster, as ``ray.init`` takes it, or ``"local"``.
        workers: number of actors.
        start: makes a worker.
        settings: what `start` is called with.

    Raises:
        WorkerError: what a worker raises, or Ray.
    """
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:  # reading takes a processor too
        ray.init(num_cpus=workers + 1, include_dashboard=False, **quiet)
    else:
        ray.init(address, **quiet)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells its plans
    context.target_max_block_size = 1  # a block is a piece, and a piece a task
    try:
        answers = ray.data.read_datasource(
            Inputs(cuts), override_num_blocks=len(cuts), num_cpus=0
        ).map_batches(
            Actor,
            fn_constructor_args=(start, settings),
            compute=ActorPoolStrategy(size=workers),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=1,
        )
        for answer in answers.iter_rows():
            if answer["error"]:
                raise WorkerError(str(answer["error"]))
            yield pickle.loads(answer["outcome"])
    except ray.exceptions.RayError as error:
        raise WorkerError(f"Ray gave up: {' '.join(str(error).split())[-300:]}") from None
    finally:
        ray.shutdown()
