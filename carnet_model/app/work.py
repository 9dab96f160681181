"""What a worker does: one request at a time, in a process that may be ended when it takes too long.

Files are read in an empty folder of their own, by the names they came with, so that results and
messages name them as the command line would.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from natural_tensors import limits
from natural_tensors.errors import InputError
from natural_tensors.files.saving import to_json

from ..prediction import formats, predictor
from ..prediction.inputs import read
from ..prediction.predictor import Predictor
from ..prediction.result import Failure, Prediction
from .answers import CSV, JSON, XYZ, Answer, refused
from .decomposition import decompose
from .questions import Question
from .views import page, view


@dataclass(frozen=True)
class Setting:
    """What holds for all requests.

    Attributes:
        model: shipped weights, or the folder of a checkpoint.
        threads: of the processor, for one request.
        limits: by name; those of the process that the workers belong to.
    """

    model: str
    threads: int
    limits: Mapping[str, int] = field(default_factory=dict)


Job = Callable[[Predictor, Question], Answer]


def warm(setting: Setting) -> None:
    """Load what every request needs."""
    model_of(setting.model, setting.threads)


def run(name: str, setting: Setting, question: Question) -> Answer:
    """Do a job; whatever goes wrong becomes an answer too.

    Args:
        name: one of `JOBS`.
        setting: what holds for all.
        question: what is asked.
    """
    try:
        limits.change(setting.limits)
        networks = model_of(setting.model, setting.threads)
        with tempfile.TemporaryDirectory(prefix="carnet-app-") as folder, chdir(folder):
            Path(question.file.safe_name).write_bytes(question.file.content)
            return JOBS[name](networks, question)
    except InputError as error:
        return refused(str(error))
    except Exception as error:  # of any library; who asked is told, the place is for the terminal
        place = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"error: {type(error).__name__} in {place.filename}:{place.lineno}: {error}",
            file=sys.stderr,
        )
        return refused(
            f"it could not be computed: {type(error).__name__}\n"
            "nothing else is affected; the terminal of carnet app says where it happened",
            500,
        )


@cache
def model_of(name: str, threads: int) -> Predictor:
    """Return the networks, loaded once for a worker."""
    networks = predictor.load(name)
    if (torch := sys.modules.get("torch")) is not None:  # a C++ program does without
        torch.set_num_threads(threads)
    return networks


def predict(networks: Predictor, question: Question) -> Answer:
    """Answer what ``carnet predict --format`` prints; 422 when no structure was predicted."""
    results = predictions(networks, question)
    status = 200 if any(isinstance(each, Prediction) for each in results) else 422
    if question.form == "json":
        text, media = to_json(formats.as_document(results, networks)) + "\n", JSON
    elif question.form == "csv":
        text, media = formats.as_csv(results, networks), CSV
    else:
        text, media = formats.as_extxyz(results, networks), XYZ
    return Answer(text.encode(errors="backslashreplace"), media, status)


def predictions(networks: Predictor, question: Question) -> list[Prediction | Failure]:
    """Return a result for each structure of the file."""
    entries = list(read([question.file.safe_name]))
    found = dict(networks.predict_each(entries, frame=question.frame))
    return [found[place] for place in range(len(entries))]


JOBS: Mapping[str, Job] = {
    "predict": predict,
    "view": view,
    "report": page,
    "decompose": decompose,
}
