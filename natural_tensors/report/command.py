"""What the commands called ``report`` share: they write a page and print its warnings."""

from __future__ import annotations

from pathlib import Path

from ..crystals.checks import warnings_for
from ..crystals.tensor import CrystalTensor
from ..terminal import say, warn
from .page import report


def write_report(
    crystal: CrystalTensor,
    output: str | None,
    notes: tuple[str, ...] = (),
    expected_bulk_gpa: float | None = None,
) -> None:
    """Write the page of a tensor, and print what a reader should be warned of.

    Args:
        crystal: the tensor.
        output: the file; when omitted, the name of the crystal with ``.html``.
        notes: what was decided without being asked.
        expected_bulk_gpa: a bulk modulus from elsewhere that the unit is held against.

    Raises:
        FileError: when the file cannot be written.
        ModuleNotFoundError: without matplotlib or jinja2.
    """
    warnings = warnings_for(crystal, expected_bulk_gpa=expected_bulk_gpa)
    path = output or f"{Path(crystal.name).stem.replace(' ', '-')}.html"
    page = report(crystal.with_notes((*notes, *warnings)))
    page.write(path)
    for note in notes:
        warn("note", note, "bold")
    for warning in (*crystal.notes, *warnings):
        warn("warning", warning, "bold yellow")
    say(f"wrote {path}: {page.title}, {len(page.html) / 1e6:.1f} MB")
