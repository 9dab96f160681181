"""What a campaign runs: damaged files, and the command or reader that gets each of them."""

from __future__ import annotations

import atexit
import hashlib
import random
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from natural_tensors.errors import InputError

from . import corpus
from .mutations import mutated

ERROR = re.compile(r"^(error|warning): \S")
"""How what a program says on standard error begins."""


class UnexpectedError(Exception):
    """A program that did something else than it promises."""


@dataclass(frozen=True)
class Kind:
    """A kind of file, and what reads it.

    Attributes:
        files: good ones.
        read: reads a damaged one; returns whether it gave a result, raises what is not promised.
        refused: good files without a result, such as a molecule where a crystal is needed.
    """

    files: Callable[[], corpus.Files]
    read: Callable[[Path], bool]
    refused: frozenset[str] = frozenset()


def command(program: str, *arguments: str) -> bool:
    """Run a command line in this process; say whether it gave a result.

    Raises:
        UnexpectedError: when it ends in another way than it promises.
        Exception: what it lets through: a traceback.
    """
    from typer.testing import CliRunner

    if program == "carnet":
        from carnet_model.cli import app as carnet

        app = carnet.app
    else:
        from natural_tensors.cli import app as exact

        app = exact.app
    result = CliRunner().invoke(app, arguments, prog_name=program)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in (0, 1, 2) or "Traceback" in result.output:
        raise UnexpectedError(f"exit code {result.exit_code}: {result.output[-300:]}")
    if result.exit_code and not ERROR.search(result.stderr) and not result.stdout:
        raise UnexpectedError(f"fails without an error: {result.output[-300:]}")
    return result.exit_code == 0


@cache
def model() -> str:
    """Return the folder of a small network that knows all elements."""
    from carnet_model.weights import checkpoint
    from tests.helpers.tiny_checkpoints import network, record

    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    place = Path(folder.name) / "model"
    checkpoint.save(place, [network(0)], record(elements=list(range(1, 119))))
    return str(place)


def predict(path: Path) -> bool:
    """Predict the tensors of structures."""
    return command("carnet", "predict", str(path), "--model", model())


def decompose(path: Path) -> bool:
    """Take a tensor apart."""
    return command("natural-tensors", "decompose", str(path))


def reconstruct(path: Path) -> bool:
    """Put a tensor together."""
    return command("natural-tensors", "reconstruct", str(path))


def check_labels(path: Path) -> bool:
    """Hold labels against their crystals."""
    (path.parent / "salt.vasp").write_bytes(corpus.structures()["salt.vasp"])
    return command("carnet", "data", "check", str(path))


def read_checkpoint(path: Path) -> bool:
    """Predict with a model that is damaged; its digest is made to fit, so that more is read."""
    for name, content in corpus.checkpoints().items():
        if name != path.name:
            (path.parent / name).write_bytes(content)
    weights, record = path.parent / "weights.safetensors", path.parent / "model.json"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    text = re.sub(
        rb'"sha256": "[0-9a-f]{64}"', f'"sha256": "{digest}"'.encode(), record.read_bytes()
    )
    record.write_bytes(text)
    structure = path.parent.parent / "salt.json"
    structure.write_bytes(corpus.structures()["salt.json"])
    return command("carnet", "predict", str(structure), "--model", str(path.parent))


def read_exported(path: Path) -> bool:
    """Load a program."""
    from carnet_model.export.exported import ExportError, load_exported

    try:
        load_exported(path)
    except ExportError as error:
        if "\n" in str(error):
            raise UnexpectedError(f"more than one line: {error}") from None
        return False
    return True


def read_configuration(path: Path) -> bool:
    """Read a configuration; nothing is trained."""
    from carnet_model.training.config_reading import read_config

    try:
        read_config(path)
    except InputError:
        return False
    return True


KINDS = {
    "structures": Kind(corpus.structures, predict, frozenset({"water.xyz"})),
    "tensors": Kind(corpus.tensors, decompose),
    "parts": Kind(corpus.parts, reconstruct),
    "labels": Kind(corpus.labelled, check_labels),
    "checkpoints": Kind(corpus.checkpoints, read_checkpoint),
    "programs": Kind(corpus.exported, read_exported),
    "configurations": Kind(corpus.configurations, read_configuration),
}
"""Every kind of file that is damaged."""


@dataclass(frozen=True)
class Case:
    """A damaged file.

    Attributes:
        kind: of the file.
        seed: of the campaign.
        number: of the case.
    """

    kind: str
    seed: int
    number: int

    @property
    def label(self) -> str:
        """What makes the case again."""
        return f"{self.kind} {self.seed} {self.number}"

    def file(self) -> tuple[str, bytes]:
        """Return name and content."""
        draw = random.Random(self.label)
        files = KINDS[self.kind].files()
        name = draw.choice(sorted(files))
        return name, mutated(draw, files[name], name)

    def run(self, folder: Path) -> bool:
        """Write the file into a folder and read it."""
        name, content = self.file()
        path = folder / name
        path.write_bytes(content)
        return KINDS[self.kind].read(path)
