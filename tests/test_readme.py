"""The README and the guides say what really happens: their Python examples are executed."""

from __future__ import annotations

import doctest
import re
import shlex
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carnet_model import cli as carnet
from natural_tensors import cli
from tests.helpers.paths import ROOT

GUIDES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


CLIENTS = re.compile(r"^>>> from (matcalc|phonopy|quacc)\b", re.M)
"""Programs of others that a page shows; their own warnings are theirs."""


SELDOM = re.compile(r"^>>> from (elasticipy)\b", re.M)
"""Programs that `.[test]` does not install; their examples stand in blocks of their own."""


def examples(path: Path) -> list[str]:
    """Return the blocks of Python that a page shows."""
    return re.findall(r"```pycon\n(.*?)```", path.read_text(encoding="utf-8"), re.S)


def check_examples(text: str, path: Path) -> None:
    """Run examples, and compare what they print."""
    test = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    failures: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=failures.append)
    assert runner.failures == 0, "".join(failures)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)
@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_examples_are_true(path: Path) -> None:
    text = "\n".join(block for block in examples(path) if not SELDOM.search(block))
    if clients := set(CLIENTS.findall(text)):
        warnings.simplefilter("default")  # until this test ends: pytest keeps the filters
    for program in clients:
        pytest.importorskip(program)
    check_examples(text, path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "block"),
    [(path, block) for path in GUIDES for block in examples(path) if SELDOM.search(block)],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_examples_with_programs_that_few_have_are_true(path: Path, block: str) -> None:
    warnings.simplefilter("default")  # their own warnings are theirs
    for program in SELDOM.findall(block):
        pytest.importorskip(program)
    check_examples(block, path)


def test_the_demonstration_predicts_a_stable_crystal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (command,) = re.findall(
        r"`make demo` runs\n\n```sh\ncarnet (.*?)\n```",
        (ROOT / "README.md").read_text(encoding="utf-8"), re.S,
    )  # fmt: skip
    assert f"carnet {command}" in (ROOT / "Makefile").read_text(encoding="utf-8")
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(carnet.app.app, shlex.split(command))
    assert result.exit_code == 0, result.output
    assert "stiffness [GPa]" in result.output
    assert "mechanically stable" in result.output


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md"])
def test_commands_print_what_the_page_says(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n\$ natural-tensors (.*?)\n(.*?)```", text, re.S)
    assert blocks
    for command, expected in blocks:
        result = CliRunner().invoke(cli.app.app, shlex.split(command))
        assert result.exit_code == 0, result.output
        # rounding depends on the processor
        found, stated = (
            re.sub(r"\d\.\de-1\d of its norm", "rounding", text)
            for text in (result.output, expected)
        )
        assert [line.rstrip() for line in found.splitlines()] == stated.splitlines()


def test_the_readme_is_short_has_a_picture_and_ends_with_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert re.search(r"^!\[.+\]\(docs/[\w.-]+\)$", text, re.M)
    last = text.rpartition("\n## ")[2]
    assert last.startswith("What to try next\n")
    programs = {"carnet": carnet.app.app, "natural-tensors": cli.app.app}
    lines = re.findall(r"^(carnet|natural-tensors) (.*?)(?: {2,}#.*)?$", last, re.M)
    assert len(lines) > 3
    for program, line in lines:
        command, *_ = shlex.split(line)
        result = CliRunner().invoke(programs[program], [command, "--help"])
        assert result.exit_code == 0, (program, line)
        missing = set(re.findall(r"--[\w-]+", line)) - set(re.findall(r"--[\w-]+", result.output))
        assert not missing, (program, line)


def test_the_set_up_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("demo", "check", "test"):
        assert re.search(rf"^{command}: ", makefile, re.M)
        assert re.search(rf"^make {command} ", readme, re.M)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
