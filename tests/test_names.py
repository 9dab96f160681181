"""Names of modules, functions and classes in the docs: what is named exists."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tests.helpers.paths import ROOT

PACKAGES = ("natural_tensors", "codegen", "carnet_model")
DOTTED = re.compile(rf"\b((?:{'|'.join(PACKAGES)})(?:\.\w+)+)")
RENAMED = ROOT / "docs" / "renamed.md"
GUIDES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
GUIDES += sorted(page for page in (ROOT / "docs").glob("*.md") if page != RENAMED)
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NOT_PYTHON = {"natural_tensors.commands", "natural_tensors.calculators"}  # entry points


def rows() -> list[tuple[str, str]]:
    """Return what the table of retired names holds: the old cell and the new one."""
    found = re.findall(r"^\| (.+?) \| (.*?) ?\|$", RENAMED.read_text(encoding="utf-8"), re.M)
    return [row for row in found if row[0] != "was" and not row[0].startswith("-")]


def faults(names: set[str]) -> list[str]:
    """Return the names that cannot be imported, with the reason."""
    found = []
    for name in sorted(names - NOT_PYTHON):
        try:
            resolve_name(name)
        except (ImportError, AttributeError) as error:
            # the file is there, and what it imports is not installed here
            lacking = ROOT.joinpath(*name.split(".")).with_suffix(".py").exists()
            if not (lacking or is_field(name)):
                found.append(f"{name}: {error}")
    return found


def is_field(name: str) -> bool:
    """Say whether a name is a field of a class, which only its objects have."""
    owner, _, field = name.rpartition(".")
    try:
        return field in getattr(resolve_name(owner), "__annotations__", {})
    except (ImportError, AttributeError):
        return False


def test_every_new_name_of_the_table_of_retired_names_exists() -> None:
    names = set()
    for old, new in rows():
        paths = re.findall(r"`([\w.]+)`", new)
        names.update(paths)
        if new.startswith("in "):  # names that are what they were, in another place
            names.update(f"{paths[0]}.{name}" for name in re.findall(r"`(\w+)`", old))
    assert len(names) > 200
    assert not faults(names)


def test_a_retired_module_is_gone_or_has_become_a_folder() -> None:
    for old, new in rows():
        if old.startswith("**") and new:
            path = ROOT / old.strip("*`").replace(".", "/")
            assert not path.with_suffix(".py").exists(), old


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_names_in_the_docs_exist(page: Path) -> None:
    assert not faults(set(DOTTED.findall(page.read_text(encoding="utf-8"))))


def test_names_in_docstrings_and_comments_exist() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert not faults(set(DOTTED.findall(text)))


def test_the_architecture_page_reads_the_whole_tree_aloud() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for package in PACKAGES:
        section = re.findall(rf"^`{package}`: .*?(?=^`|^## )", text, re.M | re.S)[0]
        named = re.findall(r"`([\w.]+)/?`", "".join(re.findall(r"^\| (`.*?) \|", section, re.M)))
        there = {path.name for path in (ROOT / package).iterdir() if not path.name.startswith("_")}
        there -= {"py.typed", "version.py", "errors.py"}
        assert set(named) == there, package


def test_places_named_in_the_architecture_page_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for place in re.findall(r"`((?:natural_tensors|codegen|carnet_model|tests)/[\w./]*)`", text):
        assert (ROOT / place).exists(), place


def test_places_that_contributors_are_sent_to_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = re.findall(r"`((?:[\w.]+/)+[\w.-]*|[\w-]+\.(?:toml|txt|cff|md))`", text)
    assert len(places) > 40
    for place in places:
        assert (ROOT / place).exists(), place


def test_names_in_capitals_that_contributors_are_told_of_exist() -> None:
    """Such as a table that a new entry goes into, named beside its file."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    for name in re.findall(r"`([A-Z][A-Z_]+)`", text):
        assert re.search(rf"^{name}\b.* = ", sources, re.M), name
