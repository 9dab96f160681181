"""Settings of a training, checked when they are read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from natural_tensors import catalog
from natural_tensors.files.label_forms import LabelFormName

from ..data.examples import Division
from ..network.settings import NetworkSettings, Settings
from ..network.targets import Target, learns_moduli
from ..structures.periodic_table import number_of

FIXED_UNITS = {"energy": ("energies", "eV"), "elastic": ("stiffnesses", "GPa")}
"""Targets beside which other labels have units of their own: what they are, and their unit."""


class TargetSettings(Settings):
    """What is predicted."""

    name: str = Field(
        default="", description="a name of the catalogue, such as elastic or dielectric"
    )
    symmetry: str = Field(default="", description="an index symmetry, in place of a name")
    title: str = Field(
        default="",
        pattern=r"^[\w-]*$",
        description="what labels and results call it; the name when left out",
    )
    unit: str = Field(
        default="", description="unit of labels and predictions; that of the name when left out"
    )
    axial: bool = Field(default=False, description="true for a pseudo-tensor given by its symmetry")
    pooling: Literal["mean", "sum", "atoms"] | None = Field(
        default=None,
        description="mean over the atoms (intensive), sum (extensive), or atoms: each one; when "
        "left out as usual for the name: sum for an energy or a dipole, atoms for NMR shielding",
    )
    positive: bool | None = Field(
        default=None,
        description="positive definite; when left out, true for "
        + ", ".join(name for name, entry in catalog.items() if entry.positive),
    )
    weight: float = Field(
        default=1.0, ge=0, description="factor of all its terms in the loss, among several targets"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_class(self) -> Self:
        if bool(self.name) == bool(self.symmetry):
            given = f"name {self.name!r} and symmetry {self.symmetry!r}" if self.name else "neither"
            raise ValueError(f"give a name or a symmetry, one of them; got {given}")
        if self.name and self.name not in catalog and not re.fullmatch(r"[a-z=-]+", self.name):
            raise ValueError(f"{self.name!r} is no name of the catalogue{_nearest(self.name)}")
        self.build()
        return self

    def build(self) -> Target:
        """Return the target.

        Raises:
            ValueError: when there is no such class, or it cannot be positive definite.
        """
        tensor = self.name or self.symmetry
        many, unit = FIXED_UNITS.get(self.name, ("", self.unit))
        if self.unit not in ("", unit):
            raise ValueError(
                f"{many} are in {unit}, got unit {self.unit!r}; leave it out, and name the unit "
                "of the numbers in the file by the label's own unit"
            )
        try:
            target = Target(tensor, self.axial, self.pooling, self.positive, self.title, self.unit)
            target.parts  # noqa: B018  # an unknown class is refused here
        except KeyError as error:
            raise ValueError(str(error.args[0])) from None
        return target


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, list(catalog), n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; `natural-tensors list` shows all"


class RuleSettings(Settings):
    """A factor for the weight of examples whose notes and elements match."""

    when: dict[str, Any] = Field(
        default={},
        description="keys of the record and their values: all must hold; a list: any of it; "
        "true or false: whether the record has anything there",
    )
    elements: tuple[str, ...] = Field(
        default=(), description="symbols, one of which the structure must hold"
    )
    weight: float = Field(ge=0, description="the factor")

    @field_validator("elements")
    @classmethod
    def _exist(cls, elements: tuple[str, ...]) -> tuple[str, ...]:
        for symbol in elements:
            if number_of(symbol) is None:
                raise ValueError(f"{symbol!r} is no element; write its symbol, such as O")
        return elements


Bound = Annotated[float, Field(allow_inf_nan=True)]
"""A number, or ``.inf`` where there is no bound."""


class LabelSettings(Settings):
    """Where a label stands in a record, how it is written, and what it weighs."""

    key: str = Field(default="", description="key or column of the record; the name when left out")
    form: LabelFormName | None = Field(
        default=None, description="how it is written; full when left out, scalar for moduli"
    )
    unit: str = Field(default="", description="unit of the numbers; as the target's when left out")
    sites: str = Field(default="", description="for atoms: key of their indices, or all")
    optional: bool = Field(
        default=False, description="leave records without it in, without this label"
    )
    tolerance: float = Field(
        default=0.02,
        ge=0,
        description="largest violation of the index symmetry, as a share of the norm",
    )
    range: tuple[Bound, Bound] | None = Field(
        default=None, description="leave out of training what is not between these (scalars)"
    )
    weight: float = Field(
        default=1.0, ge=0, description="factor of the terms of this label in the loss"
    )
    weights: tuple[RuleSettings, ...] = Field(
        default=(), description="further factors, for records that match"
    )
    sign: Literal["known", "unknown"] = Field(
        default="known",
        description="unknown: the tensor may be its negative, and the nearer of both counts",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_key(cls, value: Any) -> Any:
        return {"key": value} if isinstance(value, str) else value


class SourceSettings(Settings):
    """One file or folder with structures and labels."""

    path: str = Field(
        description="file or folder; relative to the configuration, ${VARIABLES} expanded"
    )
    role: Literal["auto", "train", "val"] = Field(
        default="auto",
        description="auto: divided by split; train: never validated on, and "
        "crystals that split gives to validation are left out; val: validation only",
    )
    labels: dict[str, LabelSettings] = Field(
        default_factory=dict,
        description="each tensor under the target's title or name (or tensor, when it is the only "
        "one); for elastic tensors also bulk, shear (after Hill) and bulk_voigt in GPa, for an "
        "energy also forces and stress; when left out, the tensors under their names",
    )
    weights: tuple[RuleSettings, ...] = Field(
        default=(), description="factors of the weight of examples, for records that match"
    )
    max_atoms: int | None = Field(
        default=None, ge=1, description="leave larger structures out of training"
    )
    on_error: Literal["raise", "skip"] = Field(
        default="raise", description="skip leaves bad records out and reports them"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("labels", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        labels: dict[str, Any] = {}
        for entry in value:
            if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
                raise ValueError(f"a label of a list needs a name, got {entry!r}")
            labels[entry["name"]] = {key: entry[key] for key in entry if key != "name"}
        return labels


class SplitSettings(Settings):
    """Who validates. Reserved crystals take part in nothing."""

    by: Literal["note", "formula"] = Field(
        default="note",
        description="note: the record's split, where it has none its formula; "
        "formula: the bucket of the reduced formula, 0 .. 99, decides alone",
    )
    validation: tuple[int, int] = Field(
        default=Division.validation,
        description="by formula: first bucket that validates, and first that does not",
    )
    share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="share of the training set that is used; a smaller one is part of a larger",
    )

    @property
    def division(self) -> Division:
        """Who validates, by these settings."""
        return Division(self.by, self.validation)

    @field_validator("validation")
    @classmethod
    def _ordered(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= value[0] <= value[1] <= 100:
            raise ValueError(f"buckets run 0 .. 100, the first below the second; got {value}")
        return value


class LossSettings(Settings):
    """Weights and scales of the terms of the loss."""

    tensor: float = Field(
        default=1.0, ge=0, description="distance of the tensors (Frobenius) / scale"
    )
    moduli: float = Field(
        default=1.0, ge=0, description="errors of K and G / scale (positive elastic)"
    )
    log_moduli: float = Field(
        default=0.3, ge=0, description="errors of ln K and ln G (positive elastic)"
    )
    energy: float = Field(
        default=1.0, ge=0, description="error of the energy per atom / scale (energy)"
    )
    forces: float = Field(
        default=10.0, ge=0, description="distance of the forces (mean over atoms) / scale (energy)"
    )
    stress: float = Field(
        default=1.0,
        ge=0,
        description="distance of stress times volume per atom / scale (energy)",
    )
    rounding: float = Field(
        default=1e-4,
        gt=0,
        description="share of a scale below which errors count by their squares (energy)",
    )
    coordinates: float = Field(
        default=0.0,
        ge=0,
        description="distance of what the network learns: the logarithm if positive",
    )
    tensor_scale: float | None = Field(
        default=None,
        gt=0,
        description="scale of the tensors; mean distance from their mean if left out (one target)",
    )
    moduli_scale: float | None = Field(
        default=None,
        gt=0,
        description="scale of K and G, GPa; mean distance from the median if left out",
    )

    def of(self, target: Target) -> float:
        """Return the sum of all weights of terms that a target has."""
        if target.potential:
            return self.energy + self.forces + self.stress
        moduli = self.moduli + self.log_moduli if learns_moduli(target) else 0.0
        return self.tensor + self.coordinates + moduli


class OptimizerSettings(Settings):
    """AdamW or Muon with linear warm-up and cosine schedule."""

    method: Literal["adamw", "muon"] = Field(
        default="adamw",
        description="adamw, or muon for the matrices between hidden layers: a step takes longer, "
        "and a potential needs fewer of them",
    )
    lr: float = Field(default=2e-3, gt=0, description="largest learning rate")
    weight_decay: float = Field(
        default=0.01, ge=0, description="decay of matrices; vectors have none"
    )
    betas: tuple[float, float] = Field(
        default=(0.9, 0.98), description="memory of the moments of AdamW"
    )
    warmup_steps: int = Field(
        default=200, ge=0, description="steps of linear growth; a fifth of the run at most"
    )
    final_lr_fraction: float = Field(default=0.01, ge=0, le=1, description="where the cosine ends")
    clip: float | None = Field(
        default=1.0, gt=0, description="largest norm of the gradient; null: none"
    )

    @field_validator("betas")
    @classmethod
    def _below_one(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in value):
            raise ValueError(f"both are in [0, 1), got {value}")
        return value


class StartSettings(Settings):
    """A trained network to go on from, in place of random numbers."""

    model: str = Field(
        description="name of shipped weights, or folder of a checkpoint, relative to the "
        "configuration. The network is as there, or wider where network says so (channels, "
        "weight, message_weight, pseudo) or the target needs it; outputs of the same targets are "
        "taken over, others start anew",
    )
    member: int = Field(default=0, ge=0, description="which network of an ensemble")
    freeze: tuple[str, ...] = Field(
        default=(),
        description="parts that keep their weights: embedding, interactions, interactions.0, "
        "outputs, or the beginning of any parameter's name",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value


class RangeSettings(Settings):
    """Values of a number between two ends: integers when both ends are."""

    low: int | float = Field(description="the least")
    high: int | float = Field(description="the largest")
    log: bool = Field(default=False, description="even in the logarithm")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(
                f"low is below high, and above 0 with log; got {self.low} and {self.high}"
            )
        return self


FIXED = ("data", "output", "split", "target", "tune", "seed")
"""Settings that a search cannot vary."""


class TuneSettings(Settings):
    """A search of settings, `carnet tune`."""

    settings: dict[str, RangeSettings | tuple[bool | int | float | str, ...]] = Field(
        min_length=1,
        description="what varies, by its place, such as optimizer.lr: low, high and log, or a "
        "list of values",
    )
    trials: int = Field(default=20, ge=1, description="how many are tried")
    folds: int = Field(
        default=3,
        ge=1,
        le=10,
        description="parts of the formulas that validate in turn; 1: as split says",
    )

    @field_validator("settings")
    @classmethod
    def _variable(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, values in value.items():
            if name.split(".")[0] in FIXED:
                raise ValueError(f"{name} cannot vary; nor can {', '.join(FIXED)}")
            if isinstance(values, tuple) and len(values) < 2:
                raise ValueError(f"{name}: list two values or more, got {list(values)}")
        return value


WHERE = {"output", "tune", "accelerator", "devices", "nodes"}
"""Settings that change nothing of what is learnt, beyond rounding."""


class Config(Settings):
    """A training run."""

    target: tuple[TargetSettings, ...] = Field(
        default=(TargetSettings(name="elastic"),),
        min_length=1,
        description="a name, or name or symmetry with options; a list: several tensors at once",
    )
    data: tuple[SourceSettings, ...] = Field(
        description="where structures and labels are; of a structure that "
        "several sources hold (identifier and formula), the first counts",
    )
    output: str = Field(
        default="run", description="folder of the run; relative to the configuration"
    )
    network: NetworkSettings = Field(default=NetworkSettings(), description="the network")
    start: StartSettings | None = Field(default=None, description="fine-tune a trained network")
    split: SplitSettings = Field(default=SplitSettings(), description="who validates")
    loss: LossSettings = Field(default=LossSettings(), description="the loss")
    optimizer: OptimizerSettings = Field(default=OptimizerSettings(), description="the optimizer")
    epochs: int = Field(default=32, ge=1, description="passes over the training set")
    batch: int = Field(
        default=16, ge=1, description="structures in a step, on all devices together"
    )
    batch_edges: int | None = Field(
        default=None,
        ge=1,
        description="edges in a step, about, in place of batch: for structures of unlike sizes",
    )
    ema: float = Field(
        default=0.997,
        ge=0,
        lt=1,
        description="share that the average of the weights keeps of itself in a step, less while "
        "the run is young; 0: no average",
    )
    early_stopping: int | None = Field(
        default=None, ge=1, description="stop after this many epochs without gain in validation"
    )
    keep: Literal["last", "best"] = Field(
        default="last",
        description="which weights the model has: of the last epoch, or the best validated",
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the start and of the order")
    threads: int | None = Field(
        default=None,
        ge=1,
        description="processor threads; torch's own if left out, at most the limit of that name",
    )
    compile: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="compile the hot path: where a C++ compiler is present, or an error",
    )
    precision: Literal["single", "mixed"] = Field(
        default="single",
        description="mixed: GPUs multiply matrices in TF32; not for an energy",
    )
    accelerator: str = Field(default="cpu", description="cpu, gpu, or whatever Lightning knows")
    devices: int = Field(
        default=1,
        ge=1,
        description="devices of a machine, a process for each; torchrun and srun say it themselves",
    )
    nodes: int = Field(
        default=1,
        ge=1,
        description="machines; more than one are started by torchrun or srun, which say it",
    )
    tune: TuneSettings | None = Field(
        default=None, description="what `carnet tune` varies; no training reads it"
    )

    @field_validator("target", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list | tuple) else [value]

    @model_validator(mode="after")
    def _targets_fit(self) -> Self:
        if not self.data:
            raise ValueError("data: names no file; list at least one path")
        targets = self.targets
        keys = [target.key for target in targets]
        if len(set(keys)) < len(keys):
            raise ValueError(f"target: two are called alike, {', '.join(keys)}; give titles")
        if sum(target.potential for target in targets) > 1:
            raise ValueError("target: a network has one energy; leave the others out")
        if self.precision == "mixed" and any(target.potential for target in targets):
            raise ValueError("precision: mixed: forces need the accuracy of single")
        idle = [target.key for target in targets if not self.loss.of(target)]
        if idle:
            raise ValueError(f"loss: all weights of {idle[0]} are 0: there is nothing to learn")
        return self

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """What is predicted."""
        return tuple(settings.build() for settings in self.target)

    def differences(self, other: Config) -> list[str]:
        """Return a line for each setting that differs, but for where and on what it runs."""
        mine, others = dict(_flat(self.model_dump())), dict(_flat(other.model_dump()))
        keys = sorted(key for key in mine.keys() | others.keys() if key.split(".")[0] not in WHERE)
        return [
            f"{key}: {others.get(key)!r} there, {mine.get(key)!r} here"
            for key in keys
            if mine.get(key) != others.get(key)
        ]


def _flat(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    entries: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        entries = value.items()
    elif isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
        entries = enumerate(value)
    else:
        yield place, list(value) if isinstance(value, tuple) else value
    for key, part in entries:
        yield from _flat(part, f"{place}.{key}" if place else str(key))
