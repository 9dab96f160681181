"""From a configuration to samples: who trains and who validates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..data.examples import DatasetError, Example, bucket
from ..data.fingerprints import fingerprint
from ..data.reading import read_examples
from ..network.targets import Target
from .config import Config, SourceSettings
from .graph_cache import graphs
from .label_tensors import Known, Labels, labels_of_target
from .samples import Sample, Samples, scales


def prepare(config: Config, *, cache: Path | None = None) -> Samples:
    """Read the data of a configuration.

    Args:
        config: with absolute paths.
        cache: folder for graphs; the user's cache when left out.

    Raises:
        DatasetError: when a file is bad, or nothing is left to train on.
    """
    found = _Found()
    for source in config.data:
        _read(source, config, found)
    found.separate()
    found.thin(config.split.share)
    if not found.train:
        remarks = "\n".join(found.remarks)
        raise DatasetError(
            f"no structure is left to train on; check role and split of the data\n{remarks}"
        )
    everything = [example for example, _ in (*found.train, *found.val)]
    drawn = graphs([example.geometry for example in everything], config.network.cutoff, cache)
    samples = [
        Sample(example, drawing, labels)
        for (example, labels), drawing in zip((*found.train, *found.val), drawn, strict=True)
    ]
    train = tuple(samples[: len(found.train)])
    neighbours = float(np.mean([sample.graph.edges / sample.graph.atoms for sample in train]))
    return Samples(
        train=train,
        val=tuple(samples[len(found.train) :]),
        scales={target.key: scales(target, train) for target in config.targets},
        neighbours=max(neighbours, 1.0),
        fingerprint=fingerprint(sample.example for sample in train),
        remarks=tuple(found.remarks),
    )


Labelled = tuple[Example, Mapping[str, Labels]]


@dataclass
class _Found:
    """What has been read so far."""

    train: list[Labelled] = field(default_factory=list)
    val: list[Labelled] = field(default_factory=list)
    extra: list[Labelled] = field(default_factory=list)
    seen: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def separate(self) -> None:
        """Let crystals of pure training sources in, but for formulas that validate."""
        formulas = {example.formula for example, _ in self.val if any(example.geometry.periodic)}
        kept = [pair for pair in self.extra if pair[0].formula not in formulas]
        if len(kept) < len(self.extra):
            self.remarks.append(
                f"{len(self.extra) - len(kept)} training crystals have a formula that validates: "
                "left out"
            )
        self.train += kept

    def thin(self, share: float) -> None:
        """Keep a share of the training set: the same structures whatever their order."""
        if share < 1:
            self.train.sort(key=lambda pair: _number(f"{pair[0].identifier} {pair[0].formula}"))
            kept = max(1, round(share * len(self.train)))
            self.remarks.append(f"{kept} of {len(self.train)} training structures are used")
            self.train = self.train[:kept]


def _number(text: str) -> int:
    """Return a large number that follows from a text, evenly distributed."""
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)


def _read(source: SourceSettings, config: Config, found: _Found) -> None:
    settings = config.labels_of(source)
    labels = [label.build(name, _owner(config, name)) for name, label in settings.items()]
    examples = read_examples(
        source.path,
        labels,
        for_training=True,
        weights=[rule.build() for rule in source.weights],
        on_error=source.on_error,
    )
    own = {
        target.key: {n: s for n, s in settings.items() if _owner(config, n) == target}
        for target in config.targets
    }
    name = Path(source.path).name
    before = {key: set(targets) for key, targets in found.seen.items()}  # by earlier sources
    counts = {"reserved for evaluation": examples.reserved, "faulty": len(examples.faults)}
    for example in examples:
        key = (example.identifier, example.formula)
        here = {_owner(config, name).key for name in example.labels}
        if here <= before.get(key, set()):
            _count(counts, "in an earlier source")
            continue
        found.seen.setdefault(key, set()).update(here)
        validates = source.role == "val" or _validates(example, config)
        if validates and source.role == "train":
            _count(counts, "given to validation by the split")
            continue
        if not validates and _outside(example, settings):
            _count(counts, "out of the range of a label")
            continue
        if not validates and source.max_atoms and len(example.geometry) > source.max_atoms:
            _count(counts, f"with more than {source.max_atoms} atoms")
            continue
        made = {
            target.key: labels_of_target(example, target, own[target.key], even=validates)
            for target in config.targets
        }
        if not any(labels.weigh for labels in made.values()):
            _count(counts, "with labels of weight 0 only")
            continue
        place = found.val if validates else found.extra if source.role == "train" else found.train
        place.append((example, made))
    left = ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)
    if left:
        found.remarks.append(f"{name}: left out: {left}")


def _owner(config: Config, name: str) -> Target:
    owner = config.owner(name)
    assert owner is not None  # the configuration was checked
    return owner


def _count(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1


def _validates(example: Example, config: Config) -> bool:
    stated = example.notes.get("split")
    if config.split.by == "note" and stated in ("train", "val"):
        return bool(stated == "val")
    if any(example.geometry.periodic):
        number = bucket(example.formula)
    else:  # all isomers share a formula
        number = _number(example.identifier) % 100
    first, end = config.split.validation
    return first <= number < end


def _outside(example: Example, known: Known) -> bool:
    for name, label in known.items():
        if label.range is not None and name in example.labels:
            value = float(example.labels[name])
            if not label.range[0] < value < label.range[1]:
                return True
    return False
