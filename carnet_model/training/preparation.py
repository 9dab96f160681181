"""From the sources of a plan to samples: who trains and who validates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ..data.examples import DatasetError, Example, bucket
from ..data.fingerprints import fingerprint
from ..data.reading import read_examples
from ..network.targets import Target
from .config import SplitSettings
from .graph_cache import graphs
from .label_tensors import Labels, join_labels, labels_of_target
from .plan import Plan
from .samples import Sample, Samples
from .scales import scales_of
from .sources import Source

Labelled: TypeAlias = tuple[Example, Mapping[str, Labels]]
"""An example with its labels by the key of the target."""


def prepare(plan: Plan, *, cache: Path | None = None) -> Samples:
    """Read the data of a plan.

    Args:
        plan: says where the data are, and who validates.
        cache: folder for graphs; the user's cache when left out.

    Raises:
        DatasetError: when a file is bad, or nothing is left to train on.
    """
    division = _Division(plan)
    for source in plan.sources:
        division.read(source)
    division.admit_training_only()
    division.keep_share(plan.config.split.share)
    if not division.train:
        remarks = "\n".join(division.remarks)
        raise DatasetError(
            f"no structure is left to train on; check role and split of the data\n{remarks}"
        )
    return join_sets(
        division.train,
        division.val,
        plan.targets,
        cutoff=plan.network.cutoff,
        cache=cache,
        remarks=division.remarks,
    )


def join_sets(
    train: Sequence[Labelled],
    val: Sequence[Labelled],
    targets: Sequence[Target],
    *,
    cutoff: float,
    cache: Path | None = None,
    remarks: Sequence[str] = (),
) -> Samples:
    """Return samples of two sets, with what the first says about sizes.

    Args:
        train: the training set, not empty.
        val: the validation set.
        targets: what is predicted.
        cutoff: of the graphs, angstrom.
        cache: folder for graphs; the user's cache when left out.
        remarks: what was left out, for whom it concerns.
    """
    labelled = (*train, *val)
    structures = [example.geometry for example, _ in labelled]
    samples = [
        Sample(example, graph, labels)
        for (example, labels), graph in zip(
            labelled, graphs(structures, cutoff, cache), strict=True
        )
    ]
    first = tuple(samples[: len(train)])
    numbers = [sample.graph.numbers for sample in first]
    neighbours = float(np.mean([sample.graph.edges / sample.graph.atoms for sample in first]))
    return Samples(
        train=first,
        val=tuple(samples[len(train) :]),
        scales={
            target.key: scales_of(
                target, join_labels([sample.labels[target.key] for sample in first]), numbers
            )
            for target in targets
        },
        neighbours=max(neighbours, 1.0),
        fingerprint=fingerprint(sample.example for sample in first),
        remarks=tuple(remarks),
    )


@dataclass
class _Division:
    """The examples read so far, divided.

    Attributes:
        plan: of the training.
        train: the training set.
        val: the validation set.
        training_only: of sources that never validate; in the training set in the end, but for
            formulas that validate.
        read_before: by identifier and formula of those with a place, the keys of the targets with
            labels.
        remarks: what was left out, a line for each source.
    """

    plan: Plan
    train: list[Labelled] = field(default_factory=list)
    val: list[Labelled] = field(default_factory=list)
    training_only: list[Labelled] = field(default_factory=list)
    read_before: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def read(self, source: Source) -> None:
        """Read a source and give each of its examples a place."""
        examples = read_examples(
            source.path,
            [label.reading for label in source.labels],
            for_training=True,
            weights=source.rules,
            on_error=source.on_error,
        )
        left_out = Counter(
            {"reserved for evaluation": examples.reserved, "faulty": len(examples.faults)}
        )
        earlier = dict(self.read_before)  # of earlier sources: several frames may share a name
        for example in examples:
            key = (example.identifier, example.formula)
            names = {label.target.key for label in source.labels if label.name in example.labels}
            if names <= earlier.get(key, frozenset()):
                left_out["in an earlier source"] += 1
                continue
            reason = self._place(example, source)
            if reason:
                left_out[reason] += 1
            else:
                self.read_before[key] = self.read_before.get(key, frozenset()) | names
        counts = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        if counts:
            self.remarks.append(f"{Path(source.path).name}: left out: {counts}")

    def _place(self, example: Example, source: Source) -> str:
        """Give an example a place; return why it has none."""
        validates = source.role == "val" or _validates(example, self.plan.config.split)
        if validates and source.role == "train":
            return "given to validation by the split"
        if not validates and not all(label.in_range(example) for label in source.labels):
            return "out of the range of a label"
        if not validates and source.max_atoms and len(example.geometry) > source.max_atoms:
            return f"with more than {source.max_atoms} atoms"
        labels = {
            target.key: labels_of_target(example, target, source.labels_of(target), even=validates)
            for target in self.plan.targets
        }
        if not any(each.known for each in labels.values()):
            return "with labels of weight 0 only"
        trains = self.training_only if source.role == "train" else self.train
        (self.val if validates else trains).append((example, labels))
        return ""

    def admit_training_only(self) -> None:
        """Let crystals of pure training sources in, but for formulas that validate."""
        formulas = {example.formula for example, _ in self.val if any(example.geometry.periodic)}
        kept = [pair for pair in self.training_only if pair[0].formula not in formulas]
        if len(kept) < len(self.training_only):
            self.remarks.append(
                f"{len(self.training_only) - len(kept)} training crystals have a formula that "
                "validates: left out"
            )
        self.train += kept

    def keep_share(self, share: float) -> None:
        """Keep a share of the training set: the same structures whatever their order."""
        if share < 1:
            self.train.sort(key=lambda pair: _number(f"{pair[0].identifier} {pair[0].formula}"))
            kept = max(1, round(share * len(self.train)))
            self.remarks.append(f"{kept} of {len(self.train)} training structures are used")
            self.train = self.train[:kept]


def _number(text: str) -> int:
    """Return a large number that follows from a text, evenly distributed."""
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)


def _validates(example: Example, split: SplitSettings) -> bool:
    stated = example.notes.get("split")
    if split.by == "note" and stated in ("train", "val"):
        return bool(stated == "val")
    if any(example.geometry.periodic):
        number = bucket(example.formula)
    else:  # all isomers share a formula
        number = _number(example.identifier) % 100
    first, end = split.validation
    return first <= number < end
