"""What a training in Python starts from: samples of examples, and a network of their size.

`carnet_model.training.run.train` does all of it from a configuration; these are its parts for a
loop of one's own, see docs/training.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from ..data.examples import DatasetError, Example
from ..network.model import CarNet
from ..network.settings import NetworkSettings
from ..network.targets import Target
from .label_tensors import labels_of_target
from .sample_cache import digest_of_examples, stored
from .sample_store import StoredSamples, StoreWriter
from .samples import Samples
from .sources import labels_named


def prepare_examples(
    examples: Iterable[Example],
    targets: Sequence[Target],
    settings: NetworkSettings,
    *,
    cache: Path | None = None,
) -> Samples:
    """Return samples of examples, with graphs, labels as tensors, and the sizes of the targets.

    Those whose `Example.split` is ``"val"`` validate; reserved crystals are left out.

    Args:
        examples: as `carnet_model.read_examples` returns them. A label counts under the key of its
            target; beside an elastic tensor ``bulk`` and ``shear``, beside an energy ``forces`` and
            ``stress``.
        targets: what is predicted.
        settings: of the network that will see them; its cutoff makes the graphs.
        cache: folder for samples; the user's cache when left out.

    Raises:
        DatasetError: when no example is left to train on, or none has a label of some target.
    """
    listed = [example for example in examples if example.split != "reserved"]

    def fill(writer: StoreWriter) -> list[str]:
        known: set[str] = set()
        for example in listed:
            named = labels_named(example.labels, targets)
            labels = {
                target.key: labels_of_target(
                    example,
                    target,
                    [label for label in named if label.target == target],
                    even=example.split == "val",
                )
                for target in targets
            }
            learnt = {key for key, each in labels.items() if each.known}
            if learnt:
                writer.add(example, labels, "val" if example.split == "val" else "train")
            known |= learnt if example.split == "train" else set()
        for target in targets:
            if target.key not in known:
                raise DatasetError(
                    f"no example has a label of {target.key} and may be trained on; name one of a "
                    f"LabelSource {target.key!r}, and see Example.split for who trains"
                )
        return []

    store = stored(digest_of_examples(listed), targets, settings.cutoff, fill, cache)
    train, val = (
        StoredSamples(store, np.flatnonzero([role == wanted for role in store.roles]))
        for wanted in ("train", "val")
    )
    return Samples.of(train, val, targets)


def build_network(settings: NetworkSettings, targets: Sequence[Target], samples: Samples) -> CarNet:
    """Return a network that starts at the mean of the training set, in its units of size.

    Args:
        settings: of the network; the mean number of neighbours is that of the training set unless
            it is stated.
        targets: what is predicted.
        samples: of these targets.

    Raises:
        TargetError: when a target cannot come out of a network with these settings.
    """
    if settings.neighbours is None:
        settings = settings.model_copy(update={"neighbours": samples.neighbours})
    model = CarNet(settings, *targets)
    for output in model.outputs:
        assembly, scales = output.assembly, samples.scales[output.target.key]
        assembly.mean.copy_(torch.from_numpy(scales.mean))
        assembly.scale.copy_(torch.from_numpy(scales.scale))
        if assembly.reference is not None and scales.reference is not None:
            assembly.reference.table.copy_(torch.from_numpy(scales.reference))
    return model
