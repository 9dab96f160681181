"""Fine-tuning: a training that starts from the weights of another, its donor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..network.batch import collate
from ..network.model import CarNet, largest_weight
from ..network.settings import ConfigError, NetworkSettings
from ..network.targets import Target
from ..weights import checkpoint
from ..weights.shipped import folder_of
from .config import StartSettings
from .sample_store import StoredSamples
from .samples import Samples
from .widening import widen_output, widen_trunk

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
    stored = checkpoint.load(folder_of(start.model))
    if start.member >= len(stored.models):
        raise ConfigError(
            f"start.member: got {start.member}; {start.model} holds {len(stored.models)} networks, "
            "counted from 0"
        )
    return Donor(start.model, stored.models[start.member], stored.elements, start.freeze)


def network_of(donor: Donor, stated: NetworkSettings) -> NetworkSettings:
    """Return the settings of the network a fine-tuning trains: those of the donor, or wider.

    What the donor derived from its own targets is stated, so that other targets change no size.

    Args:
        donor: the trained network.
        stated: the settings of the configuration, which may have more channels.

    Raises:
        ConfigError: when the configuration states others.
    """
    settings, targets = donor.model.settings, donor.model.targets
    named = stated.model_fields_set
    channels = stated.channels if "channels" in named else settings.channels
    wrong = [
        f"{name} is {getattr(stated, name)!r} and {getattr(settings, name)!r} there"
        for name in sorted(named)
        if getattr(stated, name) != getattr(settings, name)
        and not (name == "channels" and channels > settings.channels)
    ]
    if wrong:
        raise ConfigError(
            f"network: {'; '.join(wrong)}; the network of start.model has its sizes, and can be "
            "given more channels: leave out all of network but more channels"
        )
    trunk = [name for name in donor.freeze if name.startswith(("start", "interactions"))]
    if channels > settings.channels and trunk:
        raise ConfigError(
            f"network.channels is {channels} and {settings.channels} there, and start.freeze keeps "
            f"{', '.join(trunk)}, where new channels would stay random: leave out one of the two"
        )
    weight, pseudo = settings.weight, settings.pseudo
    derived = {
        "channels": channels,
        "weight": largest_weight(targets) if weight is None else weight,
        "pseudo": any(target.pseudo for target in targets) if pseudo is None else pseudo,
    }
    return settings.model_copy(update=derived)


def initialize_from(donor: Donor, model: CarNet, samples: Samples) -> list[str]:
    """Give a network the weights of its donor, and freeze what shall stay.

    Trunk and outputs of equal targets are taken over, and computed with more channels as before
    where the network has more (`widening`). Elements that the donor never saw start as
    the mean of those it saw, so that their tabulated properties tell them apart; what each element
    contributes to a sum is fitted anew to what the network leaves unexplained.

    Args:
        donor: the trained network.
        model: of the same sizes, or with more channels; changed in place.
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
    narrow, wide = donor.model.settings.channels, model.settings.channels
    if wide > narrow:
        done.append(f"widened from {narrow} to {wide} channels")
    widen_trunk(model, donor.model)
    for output, other in pairs:
        widen_output(model, donor.model, output, other)
    done += _introduce_elements(model, donor.elements, samples)
    for output, _ in pairs:
        reference = output.assembly.reference
        if reference is not None:
            _refit_reference(model, output.target, reference.table, samples.train)
            done.append(f"reference of {output.target.key} fitted to the new labels")
    _freeze(model, donor.freeze)
    return done


def _introduce_elements(model: CarNet, seen: frozenset[int], samples: Samples) -> list[str]:
    """Start elements that the donor never saw as the mean of the others; say which."""
    fresh = [number for number in samples.elements if number not in seen]
    if not fresh or not seen:
        return []
    with torch.no_grad():
        model.embedding.free[fresh] = model.embedding.free[sorted(seen)].mean(dim=0)
    return [f"new elements: {', '.join(map(str, fresh))}"]


@torch.no_grad()
def _refit_reference(model: CarNet, target: Target, table: Tensor, train: StoredSamples) -> None:
    """Shift the contribution of each element by what is left unexplained, in least squares.

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
        return
    scalars = target.scalars
    shift = np.zeros((len(table), len(scalars)))
    wanted = np.array(residuals)[:, scalars]
    shift[:, scalars] = np.linalg.lstsq(np.array(counts, float), wanted, rcond=1e-10)[0]
    table += torch.from_numpy(shift)


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
