"""What ``screen`` says of a folder of results: a summary, the rows that fulfil a condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from natural_tensors.files import saving
from natural_tensors.terminal import say, say_facts, say_json, say_table

COLUMNS = (
    "id", "formula", "bulk", "shear", "youngs", "poisson", "universal_anisotropy", "stable",
    "relative_spread",
)  # fmt: skip
"""Columns that are printed, where there are such."""

SHOWN = 50
"""Most rows that are printed; a file takes all."""


def show_summary(folder: str, as_json: bool) -> None:
    """Print what a folder of results holds."""
    from ..screening.reading import QUANTILES, summary

    found = summary(Path(folder))
    if as_json:
        say_json(
            {
                "complete": found.complete,
                "predicted": found.predicted,
                "failed": found.failed,
                "model": found.about.get("model"),
                "inputs": [
                    {"path": path, "parts": parts, "done": done}
                    for path, parts, done in found.inputs
                ],
                **found.true,
                "known": found.known,
                "with_warnings": found.warned,
                "quantiles": {name: row.tolist() for name, row in found.quantiles.items()},
                "reasons": dict(found.reasons),
            }
        )
        return
    say_facts(
        {
            "model": str(found.about.get("model", "?")),
            "precision": str(found.about.get("precision", "?")),
            "complete": "yes" if found.complete else "no; the same command does the rest",
            "predicted": f"{found.predicted:,}",
            **{name: f"{count:,}" for name, count in found.true.items()},
            "known": f"{found.known:,} are training structures, or nearly",
            "warnings": f"{found.warned:,} rows have some",
            "failed": f"{found.failed:,}",
        }
    )
    say("")
    say_table(
        ("input", ">parts", ">done"),
        [(path, f"{parts:,}", f"{done:,}") for path, parts, done in found.inputs],
    )
    if found.quantiles:
        say("")
        heads = [f">{100 * share:g} %" for share in QUANTILES]
        rows = [(name, *(f"{x:.4g}" for x in row)) for name, row in found.quantiles.items()]
        say_table(("of all rows", *heads), rows)
    if found.reasons:
        say("")
        say_table((">failures", "reason"), [(f"{n:,}", reason) for reason, n in found.reasons])


def show_selection(folder: str, text: str, output: str | None) -> None:
    """Print the rows that fulfil a condition, or write them all into a file."""
    from ..screening.reading import SUFFIXES, selected, write_selected

    if output is not None:
        saving.check_suffix(output, SUFFIXES)
        say(f"{write_selected(Path(folder), text, Path(output)):,} rows: {output}")
        return
    count = 0
    rows: list[dict[str, Any]] = []
    for table in selected(Path(folder), text):
        count += len(table)
        if len(rows) < SHOWN:
            names = [name for name in COLUMNS if name in table.schema.names]
            rows += table.select(names).slice(0, SHOWN - len(rows)).to_pylist()
    if rows:
        heads = [name if isinstance(rows[0][name], str) else f">{name}" for name in rows[0]]
        say_table(heads, [tuple(map(_cell, row.values())) for row in rows])
        say("")
    more = f", the first {len(rows)} of them above; -o FILE writes all" if count > len(rows) else ""
    say(f"{count:,} rows{more}")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
