"""The site of the documentation is whole: every page has a place, every link leads somewhere.

Needs nothing that builds it; `make docs` does that, and takes its warnings for errors.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from html.parser import HTMLParser
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.helpers.paths import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES]
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```", re.M | re.S)
EXECUTED = [page for page in PAGES if CELL.search(page.read_text(encoding="utf-8"))]
BUILDERS = ("sphinx", "myst_nb", "furo", "sphinx_copybutton", "latex2mathml", "lightning", "e3nn")


def loaded(name: str) -> ModuleType:
    """Import a file of docs/site, which is no package."""
    spec = spec_from_file_location(name, DOCS / "site" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


navigation = loaded("navigation")


def fits(name: str, entry: str) -> bool:
    """Say whether an entry of a table of contents names a page; a star stops at a folder."""
    return name.count("/") == entry.count("/") and fnmatch(name, entry)


def without_code(text: str) -> str:
    """Return a page without what stands in fences, and without code in lines."""
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(page: Path) -> set[str]:
    """Return what a link may name on a page: its headings as GitHub and MyST write them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#{1,4} (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_has_one_place_in_the_navigation() -> None:
    front = (DOCS / "index.md").read_text(encoding="utf-8")
    top = [name for name in NAMES if "/" not in name]
    listed = ["index"]
    for entry in navigation.entries(navigation.completed(front, top)):
        fit = [name for name in NAMES if fits(name, entry)]
        assert fit, f"docs/index.md: no page {entry}"
        listed += sorted(set(fit) - set(listed)) if "*" in entry else fit
    assert sorted(listed) == NAMES


def test_a_page_without_a_place_stands_in_the_last_table_of_contents() -> None:
    tables = "".join(f"```{{toctree}}\n:hidden:\n\n{name}\n```\n" for name in ("first", "last"))
    text = navigation.completed(tables, ["last", "new", "index", "first"])
    assert navigation.entries(text) == ["first", "last", "new"]


def test_pieces_of_a_stream_are_joined_as_they_were_cut() -> None:
    pieces = [
        ("stdout", "one li"),
        ("stderr", "a warning\n"),
        ("stdout", "ne\nand "),
        ("stdout", "more\n"),
    ]
    streams = [{"output_type": "stream", "name": name, "text": text} for name, text in pieces]
    picture = {"output_type": "display_data"}
    found = loaded("streams").merged([*streams[:2], picture, *streams[2:]])
    assert [output.get("text") for output in found] == ["one line\nand more\n", "a warning\n", None]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_name_headings_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        assert other.exists(), target
        outside = navigation.OUTSIDE.fullmatch(f"[text]({target})") and page.parent == DOCS
        assert outside or DOCS in other.resolve().parents, f"{target} is not part of the site"
        if anchor:
            assert anchor in anchors(other), target


def test_every_fault_of_others_has_a_test_that_exists() -> None:
    for section in (DOCS / "faults.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        title = section.partition("\n")[0]
        names = set(re.findall(r"`(test_\w+)`", section))
        assert names, title
        files = re.findall(r"\]\(\.\./(tests/[^)]+)\)", section)
        defined = "".join((ROOT / file).read_text(encoding="utf-8") for file in files)
        missing = [name for name in names if f"def {name}(" not in defined]
        assert not missing, f"{title}: {missing}"


@pytest.mark.parametrize("package", ["natural_tensors", "codegen", "carnet_model"])
def test_the_reference_describes_every_public_name(package: str) -> None:
    text = "\n".join(
        page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").glob("*.md"))
    )
    names = set(re.findall(r"^\.\. auto\w+:: ([\w.]+)", text, re.M))
    public = {f"{package}.{name}" for name in import_module(package).__all__}
    assert public <= names, sorted(public - names)


def as_python(cell: str) -> str:
    """Return what a cell does as plain Python, also one of a shell or one that is a file."""
    first, _, rest = re.sub(r"^:tags: .*\n", "", cell).partition("\n")
    if first == "%%bash":
        return f"__import__('subprocess').run(['bash', '-e', '-c', {rest!r}], check=True)"
    if first.startswith("%%writefile "):
        return f"__import__('pathlib').Path({first.split()[1]!r}).write_text({rest!r})"
    return f"{first}\n{rest}"


def test_cells_of_a_shell_and_of_files_become_python(tmp_path: Path) -> None:
    file, copy = tmp_path / "file", tmp_path / "copy"
    for cell in (f"%%writefile {file}\na\n", f":tags: [x]\n%%bash\ncp {file} {copy}\n"):
        exec(as_python(cell), {})
    assert copy.read_text() == "a\n"
    assert as_python("a = 1\nb = 2\n") == "a = 1\nb = 2\n"
    with pytest.raises(subprocess.CalledProcessError):
        exec(as_python("%%bash\nfalse\n"), {})


@pytest.mark.slow
@pytest.mark.parametrize("page", EXECUTED, ids=[page.stem for page in EXECUTED])
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    monkeypatch.setenv("PATH", commands)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = CELL.findall(page.read_text(encoding="utf-8"))
    # what no reader is shown draws, for the site alone
    shown = [as_python(cell) for cell in cells if not cell.startswith(":tags: [remove-")]
    exec(compile("\n".join(shown), page.name, "exec"), {})


class Fetched(HTMLParser):
    """Collects what a browser fetches to show a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "a" and values.get("rel") not in ("canonical", "license"):
            self.places += [values[key] or "" for key in ("src", "href", "srcset") if key in values]


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, BUILDERS)), reason="the docs extra is not installed: `make docs`"
)
def test_the_site_builds_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "-q", str(DOCS), str(site)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert said.returncode == 0, said.stderr
    built = sorted(site.rglob("*.html"))
    assert {page.relative_to(site).with_suffix("").as_posix() for page in built} > set(NAMES)
    for page in built:
        outside = [
            place
            for place in Fetched(page.read_text(encoding="utf-8")).places
            if re.match(r"(https?:)?//", place)
        ]
        assert not outside, page.name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", text), style.name
