"""The command ``models``: what weights there are, and the card of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, say

from ..weights import shipped
from .app import app


@app.command("models", epilog=examples_of("carnet", "models", "models --json"))
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the weights that come with the package, with the figures of their model cards."""
    records = {name: _card(shipped.folder_of(name)) for name in shipped.shipped()}
    if as_json:
        print(
            saving.to_json({"models": [{"name": name, **card} for name, card in records.items()]})
        )
        return
    if not records:
        say("no weights come with this installation; carnet train makes some")
        return
    for number, (name, card) in enumerate(records.items()):
        say(*([""] * (number > 0)), Text(name, style="bold"))
        for key, value in card.items():
            if not isinstance(value, Mapping):
                say(f"  {key:<12}{value}")
        width = max(map(len, card["metrics"]), default=0)
        for key, value in card["metrics"].items():
            say(
                f"  {key:<{width}}  {value:.4g}"
                if isinstance(value, float)
                else f"  {key}  {value}"
            )


def _card(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    return {
        "target": ", ".join(each["title"] or each["tensor"] for each in record["targets"]),
        "unit": ", ".join(each["unit"] for each in record["targets"]),
        "networks": record["members"],
        "elements": len(record["elements"]),
        "size": f"{size:.1f} MB",
        "metrics": _flat(record["metrics"]),
    }


def _flat(metrics: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested figures under names joined by dots."""
    figures: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{above}.{key}" if above else str(key)
        figures |= _flat(value, name) if isinstance(value, Mapping) else {name: value}
    return figures
