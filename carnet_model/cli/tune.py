"""The command ``tune``: a search of settings."""

from __future__ import annotations

from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say, say_table

from .app import app, check_extras

SHOWN = 10
"""Best trials that are printed."""


@app.command("tune", epilog=examples_of("carnet", "tune config.yaml", "tune config.yaml -n 50"))
def tune(
    path: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A YAML file of settings, with tune.")
    ],
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials", "-n", metavar="N", min=1, help="How many are tried, in place of the file's."
        ),
    ] = None,
) -> None:
    """Search settings: train many networks on folds of the data, and keep the best settings.

    The key `tune` of the configuration names what varies (`carnet train --help-config`). The same
    command goes on where a search stopped, and with a larger N continues a finished one.
    """
    check_extras("optuna", "lightning")
    from ..training import config_reading

    config = config_reading.read_config(path)
    if trials is not None and config.tune is not None:
        search = config.tune.model_copy(update={"trials": trials})
        config = config.model_copy(update={"tune": search})
    from ..tuning.search import as_text
    from ..tuning.search import tune as search_settings

    found = search_settings(config)
    ranked = sorted(found.trials, key=lambda each: (each.state != "done", each.score or 0.0))
    rows = [
        ("" if each.score is None else f"{each.score:.4g}", *map(as_text, each.choices.values()),
         each.state)
        for each in ranked[:SHOWN]
    ]  # fmt: skip
    say_table((">score", *found.winner.choices, "state"), rows)
    say(f"best settings: {found.best}", f"train them: carnet train {found.best}")
