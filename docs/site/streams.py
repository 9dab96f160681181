"""What a cell prints becomes one box, as it was printed.

A long output arrives in pieces, cut anywhere. MyST-NB 1.4 joins them too, but puts a line end after
each, so that lines break where the pieces do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def merged(outputs: list[Any]) -> list[Any]:
    """Return the outputs of a cell with the pieces of each stream in the place of its first."""
    kept, streams = [], dict[str, Any]()
    for output in outputs:
        if output["output_type"] == "stream":
            if output["name"] in streams:
                streams[output["name"]]["text"] += output["text"]
                continue
            streams[output["name"]] = output
        kept.append(output)
    return kept


def setup(app: Sphinx) -> dict[str, bool]:
    """Put it in the place of what MyST-NB does."""
    from myst_nb.core import render

    render.coalesce_streams = merged
    return {"parallel_read_safe": True, "parallel_write_safe": True}
