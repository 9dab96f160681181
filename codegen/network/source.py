"""A network as C++: the text of its program and of its interface."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from .shape import NetworkShape
from .text import filled, listed, network_lines, part

SHARED = ("weights.hpp", "bonds.hpp", "repulsion.hpp", "member.hpp", "exponential.hpp")
"""Parts of the program that serve every network, after its constants."""

MOST = {"MOST_ATOMS": 100_000_000, "MOST_BONDS": 2_000_000_000, "MOST_THREADS": 1024}
"""Limits of what is taken in one call."""


@dataclass(frozen=True)
class Member:
    """One network of an ensemble.

    Attributes:
        shape: what it is made of.
        offsets: where each of its arrays begins in the data of the file of weights.
        doubles: for each array, whether it is stored in double precision.
        prefix: of the names of its arrays.
    """

    shape: NetworkShape
    offsets: tuple[int, ...]
    doubles: tuple[bool, ...]
    prefix: str


@dataclass(frozen=True)
class NetworkProgram:
    """What the text of a program depends on.

    Attributes:
        name: prefix of all names of its interface, a C identifier.
        title: one sentence for the head of the files.
        members: the networks.
        cutoff: largest length of a bond, angstrom.
        elements: atomic numbers, ascending.
        description: what the network is, for readers of the interface; JSON.
        header: length of the header of the file of weights, in bytes.
        size: of the file, in bytes.
        hash: of the file, FNV-1a on words.
    """

    name: str
    title: str
    members: tuple[Member, ...]
    cutoff: float
    elements: tuple[int, ...]
    description: dict[str, object]
    header: int
    size: int
    hash: int

    @cached_property
    def shapes(self) -> tuple[NetworkShape, ...]:
        """The different networks."""
        return tuple(dict.fromkeys(member.shape for member in self.members))

    def interface(self) -> str:
        """Return the header file."""
        guard = f"{self.name.upper()}_H"
        text = part("interface.h").replace("NAME", self.name)
        return (
            f"/* {self.title} Interface. */\n\n#ifndef {guard}\n#define {guard}\n\n{text}\n"
            f"#endif /* {guard} */\n"
        )

    def source(self) -> str:
        """Return the program."""
        lines = [
            f"// {self.title}",
            "//",
            f"// Compile with: c++ -std=c++17 -O3 -march=native -fopenmp -c {self.name}.cpp",
            f"// -D{self.name}_DOUBLE computes in double precision, -D{self.name}_VESIN finds",
            "// neighbours with vesin (https://github.com/luthaf/vesin).",
            "",
            f'#include "{self.name}.h"',
            "",
            "#include <memory>",
            "#include <new>",
            "#ifdef _OPENMP",
            "#include <omp.h>",
            "#endif",
            "#ifdef NAME_VESIN",
            '#include "vesin.h"',
            "#endif",
            "",
            *part("numbers.hpp").split("\n"),
            "",
            *self._constants(),
        ]
        for name in SHARED:
            lines += ["", *part(name).split("\n")]
        for number, shape in enumerate(self.shapes, start=1):
            lines += ["", f"namespace network_{number} {{", "", *network_lines(shape)]
            lines += ["", f"}}  // namespace network_{number}"]
        lines += [
            "",
            *self._members(),
            "",
            "}  // namespace",
            "",
            *part("interface.hpp").split("\n"),
        ]
        return "\n".join(lines).replace("NAME", self.name) + "\n"

    def _constants(self) -> list[str]:
        outputs = self.members[0].shape.outputs
        potential = next((n for n, output in enumerate(outputs) if output.potential), -1)
        layers = max(len(member.shape.layers) for member in self.members)
        texts = json.dumps(json.dumps(self.description, ensure_ascii=True))
        words = json.dumps(", ".join(map(str, self.elements)))
        return [
            f"constexpr double CUTOFF = {self.cutoff!r}, INFLUENCE = {layers * self.cutoff!r};",
            *(f"constexpr Index {name} = {value};" for name, value in MOST.items()),
            f"constexpr int SPECIES = {len(self.elements)}, TARGETS = {len(outputs)};",
            f"constexpr int POTENTIAL = {potential};  // the target that is an energy",
            f"constexpr int DIMENSIONS[] = {{{listed(output.dimension for output in outputs)}}};",
            *filled("constexpr int32_t ELEMENTS[] = {", list(map(str, self.elements)), "};"),
            f"constexpr const char* ELEMENTS_IN_WORDS = {words};",
            f"constexpr const char* DESCRIPTION =\n    {texts};",
            f"constexpr Index HEADER = {self.header}, SIZE_OF_FILE = {self.size};",
            f"constexpr uint64_t HASH = {self.hash:#x}u;",
        ]

    def _members(self) -> list[str]:
        lines = []
        for number, member in enumerate(self.members, start=1):
            lines.append(f"constexpr Entry ENTRIES_{number}[] = {{")
            for array, offset, double in zip(
                member.shape.arrays, member.offsets, member.doubles, strict=True
            ):
                name = json.dumps(member.prefix + array.name)
                lines.append(
                    f"    {{{name}, {offset}, {array.count}, {'true' if double else 'false'}}},"
                )
            lines += ["};", ""]
        lines.append(
            "void add_members(const File& file, std::vector<std::unique_ptr<Member>>& to) {"
        )
        for number, member in enumerate(self.members, start=1):
            kind = f"network_{self.shapes.index(member.shape) + 1}::Network"
            lines.append(
                f"    to.push_back(std::make_unique<{kind}>(Reader(file, ENTRIES_{number})));"
            )
        return [*lines, "}"]
