"""Fine-tuning: a training that goes on from the weights of another."""

from __future__ import annotations

import numpy as np
import torch

from ..network.graph import collate
from ..network.model import CarNet, largest_weight
from ..network.settings import ConfigError, NetworkSettings
from ..weights import checkpoint
from .config import StartSettings
from .samples import Sample, Samples

BATCH = 64
"""Structures predicted at once, to shift reference energies."""


def network_of(start: StartSettings, stated: NetworkSettings) -> NetworkSettings:
    """Return the settings of the network a training starts from.

    Raises:
        ConfigError: when the configuration states others, or there is no such member.
    """
    stored = checkpoint.load(start.model)
    if start.member >= len(stored.models):
        raise ConfigError(
            f"start.member: got {start.member}; {start.model} holds {len(stored.models)} networks, "
            "counted from 0"
        )
    found: NetworkSettings = stored.models[start.member].settings
    wrong = [
        f"{name} is {getattr(stated, name)!r} and {getattr(found, name)!r} there"
        for name in sorted(stated.model_fields_set)
        if getattr(stated, name) != getattr(found, name)
    ]
    if wrong:
        raise ConfigError(
            f"network: {'; '.join(wrong)}; the network of start.model has its sizes: leave "
            "network out"
        )
    targets = stored.targets
    reach = {
        "weight": largest_weight(targets) if found.weight is None else found.weight,
        "pseudo": any(t.pseudo for t in targets) if found.pseudo is None else found.pseudo,
    }
    return found.model_copy(update=reach)


def initialize_from(model: CarNet, start: StartSettings, samples: Samples) -> list[str]:
    """Give a network the weights of another, and freeze what shall stay.

    Trunk and outputs of equal targets are taken over. Elements the other never saw start as the
    mean of those it saw, so that their tabulated properties tell them apart; what each element
    contributes to a sum is fitted anew to what the network leaves unexplained.

    Args:
        model: of the same sizes, changed in place.
        start: where the weights are.
        samples: of the new training.

    Returns:
        What was done, a line each.

    Raises:
        ConfigError: when nothing of that name can be frozen, or everything would be.
    """
    stored = checkpoint.load(start.model)
    donor = stored.models[start.member]
    pairs = [
        (output, other)
        for output in model.outputs
        for other in donor.outputs
        if output.target == other.target
    ]
    done = [f"weights of {start.model}: trunk{''.join(f', {o.target.key}' for o, _ in pairs)}"]
    state = {
        key: value for key, value in donor.state_dict().items() if not key.startswith("outputs.")
    }
    model.load_state_dict(state, strict=False)
    for output, other in pairs:
        output.load_state_dict(other.state_dict())
    _introduce(model, set(stored.elements), samples, done)
    for output, _ in pairs:
        if output.assembly.reference is not None:
            _refit(model, output.target.key, samples.train)
            done.append(f"reference of {output.target.key} fitted to the new labels")
    _freeze(model, start.freeze)
    return done


def _introduce(model: CarNet, seen: set[int], samples: Samples, done: list[str]) -> None:
    fresh = [number for number in samples.elements if number not in seen]
    if fresh and seen:
        with torch.no_grad():
            model.embedding.free[fresh] = model.embedding.free[sorted(seen)].mean(dim=0)
        done.append(f"new elements: {', '.join(map(str, fresh))}")


@torch.no_grad()  # type: ignore[untyped-decorator]
def _refit(model: CarNet, key: str, train: tuple[Sample, ...]) -> None:
    """Shift the contribution of each element by what is left unexplained, in least squares."""
    output = next(output for output in model.outputs if output.target.key == key)
    gaps, counts = [], []
    size = len(output.assembly.reference.table)
    for first in range(0, len(train), BATCH):
        chosen = train[first : first + BATCH]
        found = model.learned(collate([sample.graph for sample in chosen]))[key].double().numpy()
        for sample, values in zip(chosen, found, strict=True):
            stated, weight = sample.labels[key].whole()
            if weight > 0:
                gaps.append(stated - values)
                counts.append(np.bincount(sample.graph.numbers, minlength=size))
    if not gaps:
        return
    scalars = output.target.scalars
    shift = np.zeros((size, len(scalars)))
    wanted = np.array(gaps)[:, scalars]
    shift[:, scalars] = np.linalg.lstsq(np.array(counts, float), wanted, rcond=1e-10)[0]
    output.assembly.reference.table += torch.from_numpy(shift)


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
