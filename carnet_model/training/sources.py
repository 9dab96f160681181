"""The sources of a training, resolved: how each label is read, whose it is, what it weighs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..data.examples import DatasetError, Example
from ..data.labels import LabelSource, WeightRule, weight_of
from ..network.settings import ConfigError
from ..network.targets import Target, learns_moduli
from .config import Config, LabelSettings, RuleSettings, SourceSettings

MODULI = ("bulk", "shear", "bulk_voigt")
"""Labels beside an elastic tensor, or in its place, GPa: averages after Hill, and K after Voigt."""

AVERAGES = MODULI[:2]
"""Those that a tensor stands for as well: after Hill."""

DERIVATIVES = ("forces", "stress")
"""Labels beside an energy, or in its place, eV/Å and eV/Å^3."""

BESIDE = {
    "bulk": ("", "", "GPa"),
    "shear": ("", "", "GPa"),
    "bulk_voigt": ("", "", "GPa"),
    "forces": ("i", "all", "eV/A"),
    "stress": ("ij=ji", "", "eV/A^3"),
}
"""Of these labels: index symmetry, empty for a scalar; which atoms have one; unit in training."""


@dataclass(frozen=True)
class Label:
    """A label of a source.

    Attributes:
        reading: where it stands in a record, and how it is written.
        target: what it is a label of.
        weight: factor of its terms in the loss.
        rules: further factors, for records that match.
        range: examples whose value is not between these are not trained on; for moduli, GPa.
        either_sign: whether the tensor may be its negative.
    """

    reading: LabelSource
    target: Target
    weight: float = 1.0
    rules: tuple[WeightRule, ...] = ()
    range: tuple[float, float] | None = None
    either_sign: bool = False

    @property
    def name(self) -> str:
        """Name of the label: the key of its target, or what stands beside it, such as forces."""
        return self.reading.name

    def weight_in(self, example: Example) -> float:
        """Return the weight of this label of an example."""
        factor = weight_of(self.rules, example.notes, example.geometry.numbers)
        return example.weight * self.weight * factor

    def in_range(self, example: Example) -> bool:
        """Say whether an example may be trained on; one without this label may."""
        if self.range is None or self.name not in example.labels:
            return True
        return self.range[0] < float(example.labels[self.name]) < self.range[1]


@dataclass(frozen=True)
class Source:
    """A file or folder with structures and labels.

    Attributes:
        path: where it is.
        role: as in the settings: ``"auto"``, ``"train"`` or ``"val"``.
        labels: what is read.
        rules: factors of the weight of examples, for records that match.
        max_atoms: larger structures are not trained on.
        on_error: ``"raise"``, or ``"skip"`` bad records.
    """

    path: str
    role: Literal["auto", "train", "val"]
    labels: tuple[Label, ...]
    rules: tuple[WeightRule, ...] = ()
    max_atoms: int | None = None
    on_error: Literal["raise", "skip"] = "raise"

    def labels_of(self, target: Target) -> tuple[Label, ...]:
        """Return the labels of one target."""
        return tuple(label for label in self.labels if label.target == target)

    def evaluated_labels(self, target: Target) -> tuple[Label, ...]:
        """Return the labels that predictions of a target are compared with, moduli left out."""
        names = {target.key, *(DERIVATIVES if target.potential else ())}
        return tuple(label for label in self.labels if label.name in names)


def resolve_sources(config: Config) -> tuple[Source, ...]:
    """Return the sources of a configuration.

    Raises:
        ConfigError: when a label belongs to no target, or its settings do not fit it.
    """
    return tuple(
        Source(
            path=source.path,
            role=source.role,
            labels=_labels(source, config, f"data.{number}.labels"),
            rules=_rules(source.weights),
            max_atoms=source.max_atoms,
            on_error=source.on_error,
        )
        for number, source in enumerate(config.data)
    )


def labels_named(names: Iterable[str], targets: Sequence[Target]) -> tuple[Label, ...]:
    """Return labels of weight 1 for names as in the labels of an example; others are left out."""
    owners = ((name, _owner(name, targets)) for name in dict.fromkeys(names))
    return tuple(
        Label(_reading(name, LabelSettings(), target), target) for name, target in owners if target
    )


def _rules(settings: Sequence[RuleSettings]) -> tuple[WeightRule, ...]:
    return tuple(WeightRule(rule.when, rule.weight, rule.elements) for rule in settings)


def _labels(source: SourceSettings, config: Config, place: str) -> tuple[Label, ...]:
    """Return the labels of a source; when it names none, all tensors under their keys."""
    targets = config.targets
    stated = source.labels or {target.key: LabelSettings() for target in targets}
    synonyms = {"tensor", config.target[0].name} if len(targets) == 1 else set()
    labels: dict[str, Label] = {}
    for written, settings in stated.items():
        name = targets[0].key if written in synonyms else written
        target = _owner(name, targets)
        if target is None:
            allowed = [target.key for target in targets] + ["tensor"] * (len(targets) == 1)
            allowed += [beside for beside in (*MODULI, *DERIVATIVES) if _owner(beside, targets)]
            raise ConfigError(
                f"{place}: {written!r} is no label of {', '.join(t.key for t in targets)}; "
                f"allowed: {', '.join(allowed)}"
            )
        if name in labels:
            raise ConfigError(f"{place}: the tensor is named twice")
        labels[name] = _label(name, settings, target, f"{place}.{written}")
    return tuple(labels.values())


def _owner(name: str, targets: Sequence[Target]) -> Target | None:
    """Return the target that a label belongs to; None when there is no such label."""
    for target in targets:
        beside = MODULI if learns_moduli(target) else DERIVATIVES if target.potential else ()
        if name == target.key or name in beside:
            return target
    return None


def _label(name: str, settings: LabelSettings, target: Target, place: str) -> Label:
    if settings.range is not None and name not in MODULI:
        raise ConfigError(f"{place}.range: only bulk, shear and bulk_voigt have a range")
    if settings.sign == "unknown" and (name in (*MODULI, *DERIVATIVES) or target.positive):
        raise ConfigError(f"{place}.sign: only a tensor that is not positive may be its negative")
    try:
        reading = _reading(name, settings, target)
    except DatasetError as error:
        raise ConfigError(f"{place}: {error}") from None
    return Label(
        reading=reading,
        target=target,
        weight=settings.weight,
        rules=_rules(settings.weights),
        range=settings.range,
        either_sign=settings.sign == "unknown",
    )


def _reading(name: str, settings: LabelSettings, target: Target) -> LabelSource:
    """Return how a label is read: what its settings leave out follows from its name and target."""
    atoms = "all" if target.pooling == "atoms" else ""
    symmetry, sites, kept = BESIDE.get(name, (target.tensor, atoms, target.unit))
    return LabelSource(
        name,
        key=settings.key or name,
        form=settings.form or ("scalar" if name in MODULI else "full"),
        unit=settings.unit,
        kept=kept,
        symmetry=symmetry,
        axial=name not in BESIDE and target.axial,
        sites=settings.sites or sites,
        optional=settings.optional,
        tolerance=settings.tolerance,
    )
