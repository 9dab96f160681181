"""What a search varies: ranges and choices of named settings, and the configurations they make."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import optuna

from ..data.examples import RESERVED_BELOW
from ..network.settings import ConfigError
from ..training.config import Config, RangeSettings, TuneSettings
from ..training.config_reading import make_config

Choices: TypeAlias = dict[str, Any]
"""Values of the settings that vary, by their places."""

BUCKETS = 100
"""Formulas are divided into so many; those that are not reserved, into folds."""


def space_of(config: Config) -> TuneSettings:
    """Return what a configuration says about a search, each of its settings tried once.

    Raises:
        ConfigError: when it says nothing, asks for several processes, or a value is refused.
    """
    if config.tune is None:
        raise ConfigError(
            "tune: is missing; write what varies, such as\n"
            "tune: {settings: {optimizer.lr: {low: 0.0005, high: 0.01, log: true}}}"
        )
    if config.devices > 1 or config.nodes > 1:
        raise ConfigError("tune: each training is one process; leave devices and nodes out")
    for name, values in config.tune.settings.items():
        ends = (values.low, values.high) if isinstance(values, RangeSettings) else values
        for value in ends:
            changed(config, {name: value})
    return config.tune


def suggested(trial: optuna.Trial, space: TuneSettings) -> Choices:
    """Return the values that a trial is to try."""
    chosen: Choices = {}
    for name, values in space.settings.items():
        if not isinstance(values, RangeSettings):
            chosen[name] = trial.suggest_categorical(name, values)
        elif isinstance(values.low, int) and isinstance(values.high, int):
            chosen[name] = trial.suggest_int(name, values.low, values.high, log=values.log)
        else:
            chosen[name] = trial.suggest_float(name, values.low, values.high, log=values.log)
    return chosen


def changed(config: Config, choices: Mapping[str, Any], **more: Any) -> Config:
    """Return a configuration with other values at some places, and without a search.

    Args:
        config: the settings.
        choices: values by their places, dots between the parts.
        more: further settings at the top.

    Raises:
        ConfigError: when a setting is wrong.
    """
    return make_config(changed_values(config, choices, **more), origin="tune")


def changed_values(config: Config, choices: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the same as nested values, those alone that are stated."""
    values = copy.deepcopy(config.model_dump(mode="json", exclude_unset=True, exclude={"tune"}))
    for name, value in choices.items():
        *path, last = name.split(".")
        place = values
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return {**values, **more}


def folds_of(config: Config, folds: int) -> Sequence[dict[str, Any]]:
    """Return the settings ``split`` of each fold: those of the configuration if it is one."""
    split = config.split.model_dump(mode="json")
    if folds == 1:
        return [split]
    ends = [
        RESERVED_BELOW + round((BUCKETS - RESERVED_BELOW) * number / folds)
        for number in range(folds + 1)
    ]
    return [
        {**split, "by": "formula", "validation": [ends[number], ends[number + 1]]}
        for number in range(folds)
    ]
