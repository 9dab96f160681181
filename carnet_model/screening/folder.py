"""The folder of a screening: its manifest, its parts, and who may write into it.

    results/manifest.json            the model, the options, the inputs
    results/predictions/*.parquet    a part for each piece that is done
    results/failures/*.parquet       of the pieces in which something failed

A piece is done when its part of the predictions is there: it is written last, whole or not at all.
Whatever is killed, and whoever writes besides, a part holds the same. No clock is asked.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from natural_tensors.arrays import Json
from natural_tensors.errors import InputError
from natural_tensors.files import saving
from natural_tensors.files.decoding import DecodingError, decode_json, decode_text

MANIFEST, PREDICTIONS, FAILURES = "manifest.json", "predictions", "failures"
"""What is in the folder."""

FORMAT = 1
"""Number of the format of the folder."""

_PART = re.compile(r"([0-9a-f]{8})-(\d{6,})-([0-9a-f]{24})\.parquet")


class ResultsError(InputError, ValueError):
    """A folder of results that cannot be read, or written by this run."""


@dataclass(frozen=True)
class Results:
    """A folder of results.

    Attributes:
        place: the folder.
    """

    place: Path

    @property
    def predictions(self) -> Path:
        """Folder of the table of predictions."""
        return self.place / PREDICTIONS

    @property
    def failures(self) -> Path:
        """Folder of the table of failures."""
        return self.place / FAILURES

    def manifest(self) -> dict[str, Any]:
        """Return the manifest.

        Raises:
            ResultsError: when the folder is none of results.
        """
        file = self.place / MANIFEST
        try:
            manifest = decode_json(decode_text(file.read_bytes()))
        except (OSError, DecodingError) as error:
            raise ResultsError(
                f"{self.place}: is no folder of results: {MANIFEST} cannot be read: {error}\n"
                "name a folder that carnet screen wrote"
            ) from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ResultsError(
                f"{file}: is no manifest of this version\nuse the version that wrote the folder"
            )
        return manifest

    def prepare(self, options: Mapping[str, Json]) -> None:
        """Make the folder, or see that it holds results of the same model and options.

        Raises:
            ResultsError: when it holds something else.
        """
        saving.make_folder(self.place)
        if (self.place / MANIFEST).exists():
            self._compare(options)
            return
        others = sorted(each.name for each in self.place.iterdir() if each.name[0] != ".")
        if set(others) - {PREDICTIONS, FAILURES}:
            raise ResultsError(
                f"{self.place}: holds {', '.join(others[:4])}, and no results\n"
                "choose a folder that is empty or does not exist"
            )
        for folder in (self.predictions, self.failures):
            saving.make_folder(folder)
        self._write({"format": FORMAT, "options": dict(options), "inputs": {}})

    def options(self) -> dict[str, Json] | None:
        """Return model and options of the results that it holds; None of a folder without any."""
        if not (self.place / MANIFEST).exists():
            return None
        return dict(self.manifest().get("options") or {})

    def _compare(self, options: Mapping[str, Json]) -> None:
        before = self.manifest().get("options", {})
        # a model is known by its weights, wherever they lie
        for name in sorted({*options, *before} - {"model"}):
            if before.get(name) == options.get(name):
                continue
            theirs, ours = (
                f"the model {each.get('model')} (weights {str(each.get(name))[:12]})"
                if name == "sha256"
                else f"{name} {json.dumps(each.get(name), ensure_ascii=False)}"
                for each in (before, options)
            )
            raise ResultsError(
                f"{self.place}: its results are of {theirs}, this run has {ours}\n"
                "choose another folder, or the model and options it was begun with"
            )

    def _write(self, manifest: Mapping[str, Any]) -> None:
        text = saving.to_json(manifest) + "\n"
        saving.write_bytes(str(self.place / MANIFEST), text.encode(), durable=True)

    def note_inputs(self, inputs: Mapping[str, Mapping[str, Json]]) -> None:
        """Put into the manifest what inputs there are, and of how many parts; others stay."""
        manifest = self.manifest()
        known = {**manifest["inputs"], **inputs}
        if known != manifest["inputs"]:
            self._write({**manifest, "inputs": known})

    def done(self) -> set[str]:
        """Return the names of the parts that are there, without their ending."""
        return {name.removesuffix(".parquet") for name in _parts(self.predictions)}

    def commit(self, part: str, predictions: bytes, failures: bytes | None) -> None:
        """Write a part: the failures first, then the predictions, which say that it is done.

        Args:
            part: its name, without an ending.
            predictions: file of Parquet, which may have no row.
            failures: file of Parquet; None when there are none.

        Raises:
            FileError: when it cannot be written, for instance to a full disk.
        """
        beside = self.failures / f"{part}.parquet"
        if failures is None:
            beside.unlink(missing_ok=True)
        else:
            saving.write_bytes(str(beside), failures, durable=True)
        saving.write_bytes(str(self.predictions / f"{part}.parquet"), predictions, durable=True)

    def remove_others(self, source: str, parts: set[str]) -> int:
        """Remove the parts of an input that has changed since; return how many.

        Args:
            source: the input.
            parts: names that stay.
        """
        gone = 0
        for folder in (self.predictions, self.failures):  # what says that it is done goes first
            for name in _parts(folder):
                if name.startswith(f"{source}-") and name.removesuffix(".parquet") not in parts:
                    (folder / name).unlink(missing_ok=True)
                    gone += folder == self.predictions
        return gone

    def parts_of(self) -> Counter[str]:
        """Return how many parts of each input are there."""
        return Counter(name.partition("-")[0] for name in _parts(self.predictions))

    @contextmanager
    def claimed(self, shard: tuple[int, int] | None = None) -> Iterator[None]:
        """Keep other runs out of the folder: all, or those of the same shard.

        The claim ends with the process, however that ends.

        Raises:
            ResultsError: when another run has it.
        """
        with ExitStack() as held:
            held.enter_context(_locked(self.place / ".lock", shared=shard is not None))
            if shard is None:
                for folder in (self.place, self.predictions, self.failures):
                    saving.remove_leftovers(folder)
            else:
                name = ".lock-{}-{}".format(*shard)
                held.enter_context(_locked(self.place / name, shared=False))
            yield


def _parts(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if _PART.fullmatch(entry.name))


@contextmanager
def _locked(file: Path, shared: bool) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows; two runs would do the same work, and write the same
        yield
        return
    with file.open("a") as opened:
        try:
            fcntl.flock(opened, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResultsError(
                f"{file.parent}: another run writes into this folder\n"
                "wait until it ends, or choose another folder; several runs share a folder by "
                "--shard 1/2 and --shard 2/2"
            ) from None
        except OSError:  # a file system without locks: as above
            pass
        yield
