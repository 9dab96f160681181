"""Requests to the app, done in this process as a worker does them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from carnet_model.app.answers import Answer
from carnet_model.app.questions import Question, Upload
from carnet_model.app.work import Setting, run

SETTING = Setting("elastic", 1)


def asked(job: str, name: str, content: bytes | str, **options: Any) -> Answer:
    """Return the answer about a file."""
    data = content.encode() if isinstance(content, str) else content
    return run(job, SETTING, Question(Upload(name, data), **options))


def asked_about(job: str, path: Path, **options: Any) -> Answer:
    """Return the answer about a file of this machine, by its name."""
    return asked(job, path.name, path.read_bytes(), **options)


def document(answer: Answer, status: int = 200) -> dict[str, Any]:
    """Return the JSON of an answer, which must have a status."""
    assert answer.status == status, answer.body[:400]
    found: dict[str, Any] = json.loads(answer.body)
    return found
