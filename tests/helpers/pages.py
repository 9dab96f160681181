"""Pages of the example crystals, made once, and parsed."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser

from natural_tensors.report import Report, report
from tests.helpers.example_crystals import (
    copper,
    dielectric,
    example,
    other,
    quartz,
    unstable,
)

CRYSTALS = {
    "quartz": quartz,
    "copper": copper,
    "unstable": unstable,
    "dielectric": dielectric,
    "piezoelectric": lambda: example("quartz-d", "32"),
    "piezoelectric-stress": lambda: example("quartz-e", "32"),
    "other": other,
}

INLINE = {"sub", "sup", "var", "span"}
"""Elements that do not end a word."""

VOID = {"meta", "link", "img", "br", "hr", "input", "use"}


@cache
def page(name: str) -> Report:
    return report(CRYSTALS[name]())


class Parsed(HTMLParser):
    """A page: its elements, its text by section, what stands in scripts, and whether it nests."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text: dict[str, str] = {}
        self.section = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.elements.append((tag, known))
        if tag == "section":
            self.section = known["id"] or ""
        if tag not in INLINE:
            self.text[self.section] = self.text.get(self.section, "") + " "
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes another element, at {self.getpos()}"
        if tag == "section":
            self.section = ""

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "script":
            name = self.elements[-1][1].get("id") or f"code {len(self.scripts)}"
            self.scripts[name] = self.scripts.get(name, "") + data
        elif "style" not in self.stack and "svg" not in self.stack:
            self.text[self.section] = self.text.get(self.section, "") + data

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [known for found, known in self.elements if found == tag]

    def words(self, section: str) -> str:
        return " ".join(self.text[section].split())


@cache
def parsed(name: str) -> Parsed:
    return Parsed(page(name).html)
