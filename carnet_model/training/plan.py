"""The plan of a training: its configuration, resolved once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..network.settings import NetworkSettings
from ..network.targets import Target
from .config import Config
from .fine_tuning import Donor, load_donor, network_of
from .sources import Source, resolve_sources


@dataclass(frozen=True, eq=False)
class Plan:
    """What a training does; all that its configuration leaves to be looked up is here.

    Attributes:
        config: the settings, with the network as it is built: what the run records, and the
            numbers that need no resolving (epochs, optimizer, split, ...).
        targets: what is predicted, each with its unit.
        target_weights: by the key of the target, the factor of all its terms in the loss.
        sources: where structures and labels are.
        donor: the trained network to go on from; None starts from random numbers.
    """

    config: Config
    targets: tuple[Target, ...]
    target_weights: Mapping[str, float]
    sources: tuple[Source, ...]
    donor: Donor | None = None

    @property
    def network(self) -> NetworkSettings:
        """The network to build."""
        return self.config.network

    @property
    def folder(self) -> Path:
        """Where the run is."""
        return Path(self.config.output)


def resolve(config: Config) -> Plan:
    """Return the plan of a configuration; the only place where a donor is read.

    Args:
        config: as from `read_config`.

    Raises:
        ConfigError: when labels do not fit the targets, or the network is not that of the donor.
        CheckpointError: when the donor cannot be read.
    """
    donor = None if config.start is None else load_donor(config.start)
    if donor is not None:
        network = network_of(donor, config.network, config.targets)
        config = config.model_copy(update={"network": network})
    targets = config.targets
    return Plan(
        config=config,
        targets=targets,
        target_weights={
            target.key: settings.weight
            for target, settings in zip(targets, config.target, strict=True)
        },
        sources=resolve_sources(config),
        donor=donor,
    )
