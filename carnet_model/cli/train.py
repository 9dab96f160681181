"""The command ``train``: networks as a configuration says."""

from __future__ import annotations

from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say

from .app import app


def _help_config(requested: bool) -> None:
    if requested:
        from ..training import config_reading

        say(config_reading.describe())
        raise typer.Exit


@app.command(
    "train",
    epilog=examples_of(
        "carnet", "train config.yaml", "train config.yaml --fresh", "train --help-config"
    ),
)
def train(
    path: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file of settings.")],
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--fresh",
            help="Go on where a run stopped, or start anew; otherwise go on if there is a run.",
        ),
    ] = None,
    help_config: Annotated[
        bool,
        typer.Option(
            "--help-config",
            is_eager=True,
            callback=_help_config,
            help="Print every setting with its default, and exit.",
        ),
    ] = False,
) -> None:
    """Train networks as a configuration says; an interrupted run goes on where it stopped.

    On several devices of this machine by `devices` in the configuration; on several machines start
    it by torchrun or srun.
    """
    from ..training import config_reading

    settings = config_reading.read_config(path)  # a mistake is told before PyTorch has loaded
    from ..training.processes import is_first
    from ..training.run import train as train_networks

    run = train_networks(settings, resume=resume)
    if not is_first():
        return
    for name, value in run.metrics.items():
        say(f"{name}  {value:.5g}")
    say(f"model: {run.checkpoint}", f"try it: carnet predict FILE --model {run.checkpoint}")
