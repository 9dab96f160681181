"""Fine-tuning: a training that starts from the weights of another, its donor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..network.batch import collate
from ..network.model import CarNet, largest_weight
from ..network.settings import ConfigError, NetworkSettings
from ..network.targets import Target
from ..weights import checkpoint
from ..weights.shipped import folder_of, shipped
from .config import StartSettings
from .sample_store import StoredSamples
from .samples import Samples
from .widening import widen_output, widen_trunk

GROWING = ("channels", "weight", "message_weight", "pseudo")
"""Settings of a network of which a fine-tuning may have more than its donor."""

BATCH = 64
"""Structures predicted at once, to shift reference energies."""


@dataclass(frozen=True, eq=False)
class Donor:
    """The trained network that a fine-tuning starts from.

    Attributes:
        origin: folder of its checkpoint.
        model: the network.
        elements: atomic numbers seen in its training.
        freeze: parts that keep its weights.
    """

    origin: str
    model: CarNet
    elements: frozenset[int]
    freeze: tuple[str, ...] = ()


def load_donor(start: StartSettings) -> Donor:
    """Read the network that a fine-tuning starts from.

    Raises:
        ConfigError: when the checkpoint has no such member.
        CheckpointError: when it cannot be read.
    """
    folder = folder_of(start.model)
    if not folder.exists():
        raise ConfigError(
            f"start.model: there is no folder {folder}; name one that holds a checkpoint, or "
            f"shipped weights: {', '.join(shipped())}"
        )
    stored = checkpoint.load(folder)
    if start.member >= len(stored.models):
        raise ConfigError(
            f"start.member: got {start.member}; {start.model} holds {len(stored.models)} networks, "
            "counted from 0"
        )
    return Donor(start.model, stored.models[start.member], stored.elements, start.freeze)


def network_of(donor: Donor, stated: NetworkSettings, targets: Sequence[Target]) -> NetworkSettings:
    """Return the settings of the network a fine-tuning trains: those of the donor, or wider.

    Features of the targets that the donor lacks are added, even where none are stated. What the
    donor derived from its own targets is stated, so that other targets make nothing smaller. The
    repulsion of nuclei belongs to an energy and is left where there is none.

    Args:
        donor: the trained network.
        stated: the settings of the configuration, which may have more of `GROWING`.
        targets: of the fine-tuning.

    Raises:
        ConfigError: when the configuration states others.
    """
    settings, there = donor.model.settings, _stated(donor.model)
    given = {name: getattr(stated, name) for name in sorted(stated.model_fields_set)}
    needed = {"weight": largest_weight(targets), "pseudo": any(each.pseudo for each in targets)}
    grown = {
        name: value
        for name, value in {**needed, **given}.items()
        if name in GROWING and value is not None and value > getattr(there, name)
    }
    wrong = [
        f"{name} is {value!r} and {getattr(settings, name)!r} there"
        for name, value in given.items()
        if name not in grown and value not in (getattr(settings, name), getattr(there, name))
    ]
    if wrong:
        raise ConfigError(
            f"network: {'; '.join(wrong)}; the network of start.model has its sizes, and can be "
            f"given more {', '.join(GROWING)}: leave out all of network but more of these"
        )
    trunk = [name for name in donor.freeze if name.startswith(("start", "interactions"))]
    if grown and trunk:
        name, value = next(iter(grown.items()))
        raise ConfigError(
            f"network.{name} is {value} and {getattr(there, name)} there, and start.freeze keeps "
            f"{', '.join(trunk)}, where what is new would stay random: leave out one of the two"
        )
    repulsion = there.repulsion and any(target.potential for target in targets)
    return there.model_copy(update={**grown, "repulsion": repulsion})


def initialize_from(donor: Donor, model: CarNet, samples: Samples) -> list[str]:
    """Give a network the weights of its donor, and freeze what shall stay.

    Trunk and outputs of equal targets are taken over, and compute with more channels, larger
    weights and pseudo-tensors what they did, where the network has such (`widening`). Elements that
    the donor never saw start as the mean of those it saw, so that their tabulated properties tell
    them apart; what each element contributes to a sum is fitted anew to what the network leaves
    unexplained.

    Args:
        donor: the trained network.
        model: of the same sizes, or with more of `GROWING`; changed in place.
        samples: of the new training.

    Returns:
        What was done, a line each.

    Raises:
        ConfigError: when nothing of that name can be frozen, or everything would be.
    """
    pairs = [
        (output, other)
        for output in model.outputs
        for other in donor.model.outputs
        if output.target == other.target
    ]
    done = [f"weights of {donor.origin}: trunk{''.join(f', {o.target.key}' for o, _ in pairs)}"]
    narrow, wide = (
        _stated(network).model_dump(include=set(GROWING)) for network in (donor.model, model)
    )
    done += [
        f"{name} widened from {narrow[name]} to {wide[name]}"
        for name in GROWING
        if wide[name] > narrow[name]
    ]
    widen_trunk(model, donor.model)
    for output, other in pairs:
        widen_output(model, donor.model, output, other)
    done += _introduce_elements(model, donor.elements, samples)
    for output, _ in pairs:
        reference = output.assembly.reference
        if reference is not None and _refit_reference(
            model, output.target, reference.table, samples.train
        ):
            done.append(f"reference of {output.target.key} fitted to the new labels")
    _freeze(model, donor.freeze)
    return done


def _stated(model: CarNet) -> NetworkSettings:
    """Return the settings of a network with what its targets decided stated."""
    weight, pseudo = model.settings.weight, model.settings.pseudo
    return model.settings.model_copy(
        update={
            "weight": largest_weight(model.targets) if weight is None else weight,
            "pseudo": any(each.pseudo for each in model.targets) if pseudo is None else pseudo,
        }
    )


def _introduce_elements(model: CarNet, seen: frozenset[int], samples: Samples) -> list[str]:
    """Start elements that the donor never saw as the mean of the others; say which."""
    fresh = [number for number in samples.elements if number not in seen]
    if not fresh or not seen:
        return []
    with torch.no_grad():
        model.embedding.free[fresh] = model.embedding.free[sorted(seen)].mean(dim=0)
    return [f"new elements: {', '.join(map(str, fresh))}"]


@torch.no_grad()
def _refit_reference(model: CarNet, target: Target, table: Tensor, train: StoredSamples) -> bool:
    """Shift the contribution of each element by what is left unexplained, in least squares.

    Return whether there was a label to fit to.

    Args:
        model: the network.
        target: a sum over the atoms.
        table: contributions of the elements, shape ``(elements, dimension)``, changed in place.
        train: the training set.
    """
    residuals, counts = [], []
    for first in range(0, len(train), BATCH):
        chosen = train[first : first + BATCH]
        learned = model.learned(collate([sample.graph for sample in chosen]))
        for sample, values in zip(chosen, learned[target.key].double().numpy(), strict=True):
            stated, weight = sample.labels[target.key].of_first_system()
            if weight > 0:
                residuals.append(stated - values)
                counts.append(np.bincount(sample.graph.numbers, minlength=len(table)))
    if not residuals:
        return False
    scalars = target.scalars
    shift = np.zeros((len(table), len(scalars)))
    wanted = np.array(residuals)[:, scalars]
    shift[:, scalars] = np.linalg.lstsq(np.array(counts, float), wanted, rcond=1e-10)[0]
    table += torch.from_numpy(shift)
    return True


def _freeze(model: CarNet, names: tuple[str, ...]) -> None:
    parameters = dict(model.named_parameters())
    for name in names:
        chosen = [key for key in parameters if key == name or key.startswith(f"{name}.")]
        if not chosen:
            parts = dict.fromkeys(".".join(key.split(".")[:2]) for key in parameters)
            raise ConfigError(
                f"start.freeze: the network has no part {name!r}; its parts are {', '.join(parts)}"
            )
        for key in chosen:
            parameters[key].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise ConfigError("start.freeze: names everything, and nothing is left to learn")
