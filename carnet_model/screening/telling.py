"""How far a screening is, for people and for programs."""

from __future__ import annotations

from .run import Progress


def as_text(progress: Progress) -> str:
    """Return one line: how much is done, how fast, how long it takes, what failed."""
    done = progress.before + progress.documents
    parts = [f"{done:,} of {progress.total:,} ({100 * done / max(progress.total, 1):.1f} %)"]
    if progress.documents:
        parts.append(f"{progress.rate:.4g} structures/s")
    if progress.left is not None:
        parts.append(f"{duration(progress.left)} left")
    parts.append(f"{progress.failed:,} failed")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(59), duration(3725), duration(200_000)
    ('59 s', '1 h 02 min', '2 d 07 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def as_record(progress: Progress, event: str) -> dict[str, str | int | float | list[str] | None]:
    """Return the same for programs.

    Args:
        progress: how far it is.
        event: ``"begin"``, ``"progress"``, ``"done"`` or ``"interrupted"``.
    """
    return {
        "event": event,
        "total": progress.total,
        "done": progress.before + progress.documents,
        "done_before": progress.before,
        "predicted": progress.predicted,
        "failed": progress.failed,
        "seconds": round(progress.seconds, 3),
        "structures_per_second": round(progress.rate, 3),
        "seconds_left": None if progress.left is None else round(progress.left, 1),
        "crashed": list(progress.crashed),
    }
