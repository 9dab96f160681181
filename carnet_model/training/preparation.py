"""From the sources of a plan to samples: who trains and who validates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from natural_tensors.arrays import Integers

from ..data.examples import DatasetError, Example, number_of
from ..data.reading import check_faults, stated_identifier, stream_examples
from .label_tensors import labels_of_target
from .plan import Plan
from .sample_cache import digest_of_files, stored
from .sample_store import ROLES, Role, Store, StoredSamples, StoreWriter
from .samples import Samples
from .sources import Source


def prepare(plan: Plan, *, cache: Path | None = None) -> Samples:
    """Read the data of a plan, or take them as they were read before.

    Args:
        plan: says where the data are, and who validates.
        cache: folder for samples; the user's cache when left out.

    Raises:
        DatasetError: when a file is bad, or nothing is left to train on.
    """

    def fill(writer: StoreWriter) -> list[str]:
        reader = _Reader(plan, writer)
        for source in plan.sources:
            reader.read(source)
        if not reader.trains:
            raise _nothing_left(reader.remarks)
        return reader.remarks

    store = stored(_key(plan), plan.targets, plan.network.cutoff, fill, cache)
    train, val, remarks = _divided(store, plan.config.split.share)
    if not len(train):
        raise _nothing_left([*store.remarks, *remarks])
    return Samples.of(
        StoredSamples(store, train),
        StoredSamples(store, val),
        plan.targets,
        (*store.remarks, *remarks),
    )


def _key(plan: Plan) -> bytes:
    """Return what says which samples a plan reads, wherever its files are."""
    sources = [replace(source, path=Path(source.path).name) for source in plan.sources]
    split = plan.config.split.model_dump(exclude={"share"})
    digest = digest_of_files(source.path for source in plan.sources)
    return digest + f"{sources!r} {split!r}".encode()


def _nothing_left(remarks: Sequence[str]) -> DatasetError:
    told = "\n".join(remarks)
    return DatasetError(
        f"no structure is left to train on; check role and split of the data\n{told}"
    )


def _divided(store: Store, share: float) -> tuple[Integers, Integers, list[str]]:
    """Return the rows that train and those that validate, and what was left out.

    Crystals whose records do not say that they train are let in but for formulas that the split
    gives to validation; a source that validates by its role is the user's own choice, and its
    formulas are said. Of the training set a share is kept, the same structures whatever their
    order.
    """
    formulas, remarks = store.texts("formula"), list[str]()
    rows: dict[Role, list[int]] = {role: [] for role in ROLES}
    for row, role in enumerate(store.roles):
        rows[role].append(row)
    by_split, by_role = (
        {formulas[row] for row in rows[role] if store.periodic[row]}
        for role in ("val", "val by role")
    )
    offered = rows["train by split"]
    kept = [row for row in offered if not (store.periodic[row] and formulas[row] in by_split)]
    if len(kept) < len(offered):
        remarks.append(
            f"{len(offered) - len(kept)} training crystals have a formula that validates: left out"
        )
    train = sorted(rows["train"] + kept)
    both = sum(bool(store.periodic[row]) and formulas[row] in by_role for row in train)
    if both:
        remarks.append(
            f"{both} training crystals have a formula of a source whose role is val: errors of "
            "validation are not of unseen compositions"
        )
    if share < 1:
        identifiers = store.texts("identifier")
        train.sort(key=lambda row: number_of(f"{identifiers[row]} {formulas[row]}"))
        size = max(1, round(share * len(train)))
        remarks.append(f"{size} of {len(train)} training structures are used")
        train = train[:size]
    val = sorted(rows["val"] + rows["val by role"])
    return np.array(train, dtype=np.int64), np.array(val, dtype=np.int64), remarks


@dataclass
class _Reader:
    """Reads sources into a store, and says who each example is.

    Attributes:
        plan: of the training.
        writer: of the store.
        trains: whether any example was read that may train.
        read_before: of those with a place, by what tells them apart, the keys of the targets with
            labels.
        remarks: what was left out, a line for each source.
    """

    plan: Plan
    writer: StoreWriter
    trains: bool = False
    read_before: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def read(self, source: Source) -> None:
        """Read a source and give each of its examples a place."""
        left_out: Counter[str] = Counter()
        faults, read = list[DatasetError](), 0
        earlier = dict(self.read_before)  # of earlier sources: several frames may share a name
        readings = [label.reading for label in source.labels]
        for example in stream_examples(source.path, readings, weights=source.rules):
            if isinstance(example, DatasetError):
                faults.append(example)
                continue
            read += 1
            if example.reserved:
                left_out["reserved for evaluation"] += 1
                continue
            # what has no name is called by its place in its file
            file = "" if stated_identifier(example.notes) else str(source.path)
            key = (file, example.identifier, example.formula)
            names = {label.target.key for label in source.labels if label.name in example.labels}
            if names <= earlier.get(key, frozenset()):
                left_out["in an earlier source"] += 1
                continue
            reason = self._place(example, source)
            if reason:
                left_out[reason] += 1
            else:
                self.read_before[key] = self.read_before.get(key, frozenset()) | names
        check_faults(source.path, faults, source.on_error, read)
        left_out["faulty"] = len(faults)
        counts = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        if counts:
            self.remarks.append(f"{Path(source.path).name}: left out: {counts}")

    def _place(self, example: Example, source: Source) -> str:
        """Give an example a place; return why it has none."""
        division = self.plan.config.split.division
        validates = source.role == "val" or division.split_of(example) == "val"
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
        stated = source.role == "auto" and division.states(example) == "train"
        role: Role = "train" if stated else "train by split"
        if validates:
            role = "val by role" if source.role == "val" else "val"
        self.writer.add(example, labels, role)
        self.trains = self.trains or not validates
        return ""
