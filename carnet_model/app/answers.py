"""What goes back to who asked: a status, a kind of content, the content; errors among them."""

from __future__ import annotations

from dataclasses import dataclass

from natural_tensors.files.saving import to_json
from natural_tensors.formatting import visible

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
XYZ = "chemical/x-xyz; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        body: the content.
        media: its type.
        status: of HTTP.
    """

    body: bytes
    media: str = JSON
    status: int = 200


def refused(message: str, status: int = 422) -> Answer:
    """Return an error as all of the program say it: what is wrong, then what helps.

    Args:
        message: the first line is the reason, the others are advice.
        status: of HTTP.
    """
    reason, *advice = [line.strip() for line in message.strip().split("\n")] or [""]
    document = {"error": visible(reason), "remedy": visible("; ".join(advice))}
    return Answer((to_json(document) + "\n").encode(errors="backslashreplace"), JSON, status)
