"""One tensor of one crystal as a page: a file that opens anywhere, without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from ..arrays import Floats, Json, to_lists
from ..crystals.tensor import CrystalTensor
from ..files.saving import check_suffix, write_bytes
from ..files.writing import about
from ..formatting import NOTHING
from ..pictures.printed import matrix_values
from ..version import __version__
from .blocks import Fact, Section, Words, formula, hermann_mauguin, schoenflies
from .dielectric import (
    dielectric,
    dielectric_facts,
    electric_properties,
    piezoelectric,
    piezoelectric_facts,
)
from .elastic import elastic_alarms, elastic_facts, elastic_properties, elastic_sections
from .general import (
    classes,
    constants,
    has_matrix,
    has_other_axes,
    norm_facts,
    notes,
    parts,
    provenance,
    safe_json,
    sections,
    surface,
    tensor,
    title_of,
)

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""What a page may load: nothing but what is in it. Browsers enforce it."""

ORDER = (
    "surface",
    "tensor",
    "constants",
    "moduli",
    "beside",
    "principal",
    "extremes",
    "sections",
    "parts",
    "classes",
    "stability",
    "sound",
    "cauchy",
    "notes",
    "provenance",
)
"""Names of the sections, as they follow each other."""

PIEZOELECTRIC = ("piezoelectric", "piezoelectric-stress")


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A page about one tensor of one crystal.

    Attributes:
        title: of the page.
        html: the whole page; it asks no network for anything.
        document: the data in it, as its JSON holds them.
    """

    title: str
    html: str
    document: Mapping[str, Any]

    def write(self, path: str | Path) -> Path:
        """Write the page, the whole file or nothing, and return its path.

        Raises:
            FileError: when the suffix is not ``.html`` or writing fails.
        """
        check_suffix(str(path), (".html",))
        write_bytes(str(path), self.html.encode())
        return Path(path)

    def _repr_html_(self) -> str:
        # a document of its own: its style and scripts leave the notebook alone
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" '
            'style="width: 100%; height: 48rem; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Report({self.title!r}, {len(self.html) / 1e6:.1f} MB of HTML)"


def report(crystal: CrystalTensor) -> Report:
    """Return the page of a tensor: numbers, surfaces to turn, matrices, symmetry, provenance.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    document = as_document(crystal)
    stem = re.sub(r"[^\w.-]+", "-", Path(crystal.name).stem).strip("-.") or "tensor"
    shown = _sections(crystal, stem)
    turning = any(section.name == "surface" for section in shown)
    scripts = ("surfaces.js", "page.js") if turning else ("page.js",)
    title = f"{crystal.formula or crystal.name}: {title_of(crystal)}"
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    html = template.from_string(_text("page.html.j2")).render(
        title=title,
        heading=formula(crystal.formula) if crystal.formula else crystal.name,
        what=title_of(crystal),
        names=_names(crystal),
        alarms=elastic_alarms(crystal) if crystal.reduction.name == "elastic" else [],
        facts=_facts(crystal),
        sections=shown,
        stem=stem,
        nothing=NOTHING,
        data=safe_json(document),
        policy=POLICY,
        version=__version__,
        style=Markup(_text("style.css")),
        scripts=[Markup(_text(name)) for name in scripts],
    )
    return Report(title, html, document)


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _names(crystal: CrystalTensor) -> list[Words]:
    names: list[Words] = [crystal.name] if crystal.formula else []
    if crystal.spacegroup:
        names.append(Markup("space group {}").format(hermann_mauguin(crystal.spacegroup)))
    if crystal.group is not None:
        names.append(
            Markup("point group {} ({})").format(
                hermann_mauguin(crystal.group.symbol), schoenflies(crystal.group.schoenflies)
            )
        )
        names.append(crystal.group.system)
    return names


def _facts(crystal: CrystalTensor) -> list[Fact]:
    kind = crystal.reduction.name
    if kind == "elastic":
        return elastic_facts(crystal)
    if kind == "dielectric":
        return [*dielectric_facts(crystal), *norm_facts(crystal)]
    if kind in PIEZOELECTRIC:
        return [*piezoelectric_facts(crystal), *norm_facts(crystal)]
    return norm_facts(crystal)


def _sections(crystal: CrystalTensor, stem: str) -> list[Section]:
    common = (
        surface(crystal),
        tensor(crystal),
        constants(crystal),
        sections(crystal),
        parts(crystal),
        classes(crystal),
        notes(crystal),
        provenance(crystal, stem),
    )
    by_name = {
        section.name: section for section in (*common, *_own(crystal)) if section is not None
    }
    return [by_name[name] for name in ORDER if name in by_name]


def _own(crystal: CrystalTensor) -> tuple[Section, ...]:
    """Return the sections that only tensors of this kind have."""
    kind = crystal.reduction.name
    if kind == "elastic":
        return elastic_sections(crystal)
    if kind == "dielectric":
        return (dielectric(crystal),)
    return (piezoelectric(crystal),) if kind in PIEZOELECTRIC else ()


def as_document(crystal: CrystalTensor) -> dict[str, Any]:
    """Return the data of a page: a tensor as the command line reads it, and what else is known."""
    frame = crystal.frame
    matrices = {}
    if has_matrix(crystal):
        matrices["frame"] = to_lists(matrix_values(crystal))
        if has_other_axes(crystal):
            matrices["structure"] = to_lists(matrix_values(crystal.in_frame("structure")))
    return {
        **about(crystal.reduction, "full", crystal.unit, crystal.name),
        "class": crystal.tensor,
        "source": crystal.source,
        "tensor": to_lists(crystal.values),
        "report": {
            "formula": crystal.formula,
            "point_group": None if crystal.group is None else crystal.group.symbol,
            "setting": _lists_or_none(crystal.setting),
            "space_group": crystal.spacegroup,
            "frame": frame.name,
            "rotation": to_lists(frame.rotation),
            "lattice": _lists_or_none(frame.lattice),
            "axes": list(frame.axes),
            "density_kg_m3": crystal.density_kg_m3,
            "atoms_per_m3": crystal.atoms_per_m3,
            "uncertainty": {key: to_lists(value) for key, value in crystal.uncertainty.items()},
            "notes": list(crystal.notes),
            "beside": [
                {
                    "title": each.title,
                    "tensor": to_lists(each.values),
                    "distance": crystal.distance(each),
                }
                for each in crystal.beside
            ],
            "matrices": matrices,
            "properties": _derived(crystal),
        },
    }


def _derived(crystal: CrystalTensor) -> dict[str, Json]:
    kind = crystal.reduction.name
    if kind == "elastic":
        return elastic_properties(crystal)
    return electric_properties(crystal) if kind in ("dielectric", *PIEZOELECTRIC) else {}


def _lists_or_none(values: Floats | None) -> Json:
    return None if values is None else to_lists(values)
