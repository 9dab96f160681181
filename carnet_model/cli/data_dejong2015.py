"""The command ``data dejong2015``: fetch the public elastic tensors."""

from __future__ import annotations

from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say

from .app import data


@data.command("dejong2015", epilog=examples_of("carnet", "data dejong2015 dejong2015.json.gz"))
def dejong2015(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Where to write: .json or .json.gz.")],
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive", metavar="FILE", help="matminer-0.4.0.tar.gz, where it is at hand."
        ),
    ] = None,
) -> None:
    """Fetch the 1,181 public elastic tensors of de Jong and others (2015, CC0) through pip.

    The SHA-256 of the download is checked, and each label against the point group of its crystal.
    """
    from ..data import dejong2015
    from ..data.text import fetch_text

    say(fetch_text(dejong2015.fetch(path, archive=archive)))
