"""A Dockerfile as its instructions, as far as ours goes: no heredocs, no flags but ``--from``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction: ``keyword`` in capitals, ``text`` on one line."""

    keyword: str
    text: str

    @property
    def words(self) -> list[str]:
        return self.text.split()


@dataclass
class Stage:
    """What stands under one FROM."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, keyword: str) -> list[str]:
        """Return the texts of all instructions of one kind."""
        return [each.text for each in self.instructions if each.keyword == keyword]


def stages(path: Path) -> list[Stage]:
    """Return the stages of a file, the one that becomes the image last."""
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.M)
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        elif keyword:
            found[-1].instructions.append(Instruction(keyword, rest.strip()))
    return found
