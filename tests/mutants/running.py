"""Tests run in a copy of this process, where the libraries of others are loaded already."""

from __future__ import annotations

import ast
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.mutations import PACKAGE, Mutant, digest

LIBRARIES = (
    "numpy", "scipy.stats", "sympy", "torch", "torch.export", "pydantic", "safetensors.torch",
    "ase.io", "ase.build", "ase.calculators.calculator", "pymatgen.core", "pymatgen.io.ase",
    "pymatgen.symmetry.analyzer", "spglib", "vesin", "hypothesis", "pytest", "e3nn.o3",
    "natural_tensors", "codegen",
)  # fmt: skip
"""Loaded once: none of them is mutated."""

MEMORY = 12 << 30
"""Bytes a test run may address."""

WAIT = 3600.0
"""Seconds after which a run that does not even compute is ended."""

QUIET = (
    "-q", "-x", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",  # of the libraries that are loaded already
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """How a run of tests ended.

    Attributes:
        code: exit code of pytest; negative for the signal that ended it.
        seconds: of processor time.
        output: the end of what was printed.
    """

    code: int
    seconds: float
    output: str


def load_libraries() -> None:
    """Load what every run needs, on one thread: a process with more cannot be copied."""
    for name in LIBRARIES:
        importlib.import_module(name)
    import torch

    torch.set_num_threads(1)


def in_a_copy(work: Callable[[], int], folder: Path, seconds: float) -> Run:
    """Do some work in a copy of this process, with its own cache and limits, and wait for it.

    Args:
        work: returns the exit code.
        folder: where the output and the caches lie.
        seconds: of processor time; more is a run without end.
    """
    log = folder / "output.txt"
    shutil.rmtree(folder / "cache", ignore_errors=True)
    if (folder / "kernels").exists():  # those built without a mutant, which must not write there
        shutil.copytree(folder / "kernels", folder / "cache", copy_function=os.link)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.environ["NATURAL_TENSORS_CACHE"] = str(folder / "cache")
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            sys.dont_write_bytecode = True
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    done, status = os.waitpid(child, os.WNOHANG)
    while not done and time.monotonic() - start < WAIT:
        time.sleep(0.05)
        done, status = os.waitpid(child, os.WNOHANG)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # also what it started itself
    if not done:
        _, status = os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = log.read_text(encoding="utf-8", errors="replace")[-4000:]
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(os.waitstatus_to_exitcode(status), used, text)


@dataclass(frozen=True)
class Coverage:
    """What the tests of one file reach.

    Attributes:
        seconds: of processor time, by the name of a test.
        lines: by the name of a test and the path of a file; the name is empty for what is run
            while the tests are loaded.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]

    def reaching(self, path: str, lines: range) -> list[str]:
        """Return the tests that run some of the lines, quick ones first; all for the loading."""
        names = [
            name for name, files in self.lines.items() if set(files.get(path, ())) & set(lines)
        ]
        if "" in names:
            names = list(self.seconds)
        return sorted(names, key=lambda name: self.seconds.get(name, 0.0))


class Recorder:
    """A plugin of pytest that writes down which test runs which lines."""

    def __init__(self, root: Path) -> None:
        import coverage
        import pytest

        self.root, self.seconds = root, dict[str, float]()
        self.measured = coverage.Coverage(
            data_file=None, config_file=False, include=[f"{root}/{PACKAGE}/*"]
        )

        @pytest.hookimpl(hookwrapper=True)
        def around(item: Any, nextitem: Any) -> Any:
            self.measured.switch_context(item.nodeid)
            start = time.process_time()
            yield
            self.seconds[item.nodeid] = time.process_time() - start
            self.measured.switch_context("")

        self.pytest_runtest_protocol = around

    def found(self) -> dict[str, Any]:
        """Return seconds and lines, as JSON takes them."""
        data = self.measured.get_data()
        lines: dict[str, dict[str, list[int]]] = {}
        for file in data.measured_files():
            path = Path(file).relative_to(self.root).as_posix()
            for line, names in data.contexts_by_lineno(file).items():
                for name in names:
                    lines.setdefault(name, {}).setdefault(path, []).append(line)
        return {"seconds": self.seconds, "lines": lines}


def coverage_of(root: Path, tests: Path, folder: Path) -> Coverage:
    """Return what a file of tests reaches, measured where it is not known yet.

    Raises:
        RuntimeError: when the tests fail without any mutant.
    """
    texts = [tests, *sorted((root / PACKAGE).rglob("*.py")), *(root / "tests/helpers").glob("*.py")]
    key = digest(*(digest(path.read_text(encoding="utf-8")) for path in texts))[:16]
    place = folder / "coverage" / f"{tests.stem}-{key}.json"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)

        def measure() -> int:
            import pytest

            os.environ["NATURAL_TENSORS_CACHE"] = str(folder / "kernels")
            recorder = Recorder(root)
            recorder.measured.start()
            code = int(pytest.main([*QUIET, str(tests)], plugins=[recorder]))
            recorder.measured.stop()
            place.with_suffix(".part").write_text(json.dumps(recorder.found()), encoding="utf-8")
            return code

        run = in_a_copy(measure, folder, seconds=3600)
        if run.code != 0:
            raise RuntimeError(f"{tests.name} fails without a mutant:\n{run.output}")
        place.with_suffix(".part").replace(place)
    return Coverage(**json.loads(place.read_text(encoding="utf-8")))


def statement_lines(text: str, line: int) -> range:
    """Return the lines of the statement that a line belongs to; of a compound one, its head."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            if node.lineno <= line <= max(last, node.lineno):
                found = range(node.lineno, max(last, node.lineno) + 1)
    return found


def files_of_tests(root: Path, path: str) -> list[Path]:
    """Return the files of tests of a source's folder, the one that mirrors it first."""
    source = Path(path)
    folder = root / "tests" / f"test_{PACKAGE}" / source.parts[1]
    mirrored = f"test_{source.stem}.py"
    return sorted(folder.glob("test_*.py"), key=lambda file: (file.name != mirrored, file.name))


def tests_for(root: Path, each: Mutant, folder: Path) -> list[tuple[str, float]]:
    """Return the tests of a mutant with their seconds: those that reach its line come first.

    Tests beside them in the same file follow: they may use what a shared fixture made there.
    """
    source = (root / each.path).read_text(encoding="utf-8")
    lines = statement_lines(source, each.place[0])
    first, rest = [], []
    for file in files_of_tests(root, each.path):
        coverage = coverage_of(root, file, folder)
        if names := coverage.reaching(each.path, lines):
            first += [(name, coverage.seconds[name]) for name in names]
            rest += [pair for pair in coverage.seconds.items() if pair[0] not in names]
    return first + rest


def try_mutant(root: Path, each: Mutant, tests: Sequence[tuple[str, float]], folder: Path) -> Run:
    """Return how the tests of a mutant end."""

    def work() -> int:
        import pytest

        return int(pytest.main([*QUIET, *(name for name, _ in tests)]))

    path = root / each.path
    original = path.read_text(encoding="utf-8")
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        stale.unlink()
    try:
        path.write_text(each.text, encoding="utf-8")
        return in_a_copy(work, folder, seconds=60 + 5 * sum(seconds for _, seconds in tests))
    finally:
        path.write_text(original, encoding="utf-8")
