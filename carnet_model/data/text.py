"""Checks of labels and fetched data sets as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np

from .dejong2015 import FetchSummary
from .label_checks import LabelReport
from .moduli import CORRECTED, Agreement
from .records import LABELLED

WRITTEN = (*get_args(Agreement), CORRECTED, LABELLED)
"""What is counted of structures that were written; any other count is a reason to leave one out."""

MOST_FINDINGS = 20
"""Labels that are listed one by one; more are counted."""


def check_text(report: LabelReport) -> str:
    """Return what a check of labels says: numbers, quantiles of the residual, the worst labels."""
    lines = [
        f"{report.name}: {report.checked} labels checked against their point groups, "
        f"{len(report.findings)} violate them by more than {report.tolerance:g} of their norm"
    ]
    if report.checked:
        marks = (0.5, 0.9, 0.99, 1.0)
        values = np.nanquantile(report.residuals, marks)
        lines.append(
            "  residual: "
            + ", ".join(
                f"{'largest' if mark == 1 else f'{mark:.0%} below'} {value:.2g}"
                for mark, value in zip(marks, values, strict=True)
            )
        )
    lines += [f"  not checked: {count}, {why}" for why, count in report.skipped.items()]
    lines += [
        f"  {finding.residual:6.3f}  {finding.identifier}  {finding.formula}"
        for finding in report.findings[:MOST_FINDINGS]
    ]
    if len(report.findings) > MOST_FINDINGS:
        lines.append(f"  ... and {len(report.findings) - MOST_FINDINGS} more")
    return "\n".join(lines)


def counts_text(counts: Mapping[str, int], output: str, what: str = "crystals") -> str:
    """Return how many crystals, or frames of them, a file holds, and why others were left out.

    >>> counts_text({"agree": 3, "single": 1, "no moduli": 2}, "moduli.json")
    'moduli.json: 4 crystals written (3 agree, 1 single); left out: 2 no moduli'
    """
    kept = [f"{count} {kind}" for kind, count in counts.items() if kind in WRITTEN]
    left = [f"{count} {kind}" for kind, count in counts.items() if kind not in WRITTEN]
    total = sum(count for kind, count in counts.items() if kind in WRITTEN)
    details = f" ({', '.join(kept)})" if len(kept) > 1 else ""
    return f"{output}: {total} {what} written{details}; left out: {', '.join(left) or 'none'}"


def fetch_text(summary: FetchSummary) -> str:
    """Return how many crystals were written, and why each other one was left out.

    >>> print(fetch_text(FetchSummary(1, 2, ("mp-1 (Al): no 6 x 6 matrix",))))
    1 crystals written; left out: 2 reserved for evaluation, 1 faulty
      mp-1 (Al): no 6 x 6 matrix
    """
    lines = [
        f"{summary.written} crystals written; left out: {summary.reserved} reserved for "
        f"evaluation, {len(summary.faults)} faulty"
    ]
    return "\n".join([*lines, *(f"  {fault}" for fault in summary.faults)])
