"""What a page says about any tensor of a crystal."""

from __future__ import annotations

import json
import re

import numpy as np
from markupsafe import Markup, escape

from .. import pictures
from ..arrays import Floats
from ..crystals.forms import SymbolicForm
from ..crystals.tensor import CrystalTensor
from ..formatting import NOISE, typeset, typeset_alike, typeset_fixed, typeset_percent
from ..physical.catalog import catalog
from ..pictures.directional import families, written_unit
from ..pictures.printed import entry_texts, matrix_values, symmetry_marks
from ..version import CONVENTIONS, __version__
from .blocks import (
    Block,
    Buttons,
    Column,
    Fact,
    Fold,
    Paragraph,
    Row,
    Section,
    Table,
    Turning,
    Words,
    component,
    hermann_mauguin,
    picture,
)
from .surfaces import scene

BARRED = r'<span class="bar">\1</span>'


BRACKETED = re.compile(r"\[[^\]]*\]")


DIGITS = 5
"""Of the largest constant; smaller ones, with as many decimals, have fewer."""


LONGEST_LIST = 60
"""Components that are listed; the data have all."""


FRAMES = {
    "structure": "the Cartesian axes of the structure as it was given",
    "canonical": "the canonical axes of the crystal (rule 21), whatever its cell or file",
    "standard": "the standard axes of the point group",
    "ieee": "the axes of IEEE Std 176-1987",
    "given": "the axes in which the tensor was given",
}
"""What the name of a frame means."""


def title_of(crystal: CrystalTensor) -> str:
    """Return what the tensor is called: ``Elastic stiffness, C``."""
    if crystal.tensor not in catalog:
        return f"Tensor {crystal.tensor}"
    entry = catalog[crystal.tensor]
    return f"{entry.title}, {entry.symbol}"


def safe_json(document: object) -> Markup:
    """Return JSON that can stand in a script element: no ``<`` is left in it."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def norm_facts(crystal: CrystalTensor) -> list[Fact]:
    """Return what can be said of any tensor at a glance."""
    unit = f" {written_unit(crystal.unit)}" if crystal.unit else ""
    shares = crystal.reduction.fractions(crystal.values, invalid="project")
    facts = [
        Fact("‖T‖", "Frobenius norm", typeset(np.linalg.norm(crystal.values)) + unit),
        Fact("", "independent components", str(crystal.reduction.dimension)),
    ]
    if crystal.form is not None:
        facts.append(Fact("", "constants in this point group", str(crystal.form.independent)))
    if 0 in shares and np.isfinite(shares[0]):
        facts.append(Fact("", "isotropic share", f"{100 * float(shares[0]):.2f} %"))
    return facts


def surface(crystal: CrystalTensor) -> Section | None:
    """Return the surfaces to turn, and stills for print; None when there are none."""
    shown = pictures.properties(crystal)
    if not shown:
        return None
    choices = [
        (family, [(entry.name, entry.branch or family) for entry in entries])
        for family, entries in families(shown).items()
    ]
    names = [entry.title for entry in shown]
    alt = f"Surfaces of {crystal.name} over all directions: {', '.join(names)}."
    return Section(
        "surface",
        "Over all directions",
        [
            Paragraph(
                "The distance of the surface from the centre is the magnitude in that direction, "
                "its colour the value; red is negative. Dark lines are the sections with the "
                "planes xy, yz and zx.",
                "lead",
            ),
            Turning(safe_json(scene(crystal)), choices, alt),
            picture(pictures.stills(crystal), "stills", alt, print_only=True),
        ],
    )


def sections(crystal: CrystalTensor) -> Section | None:
    """Return the polar sections; None when there are none."""
    shown = families(pictures.properties(crystal))
    if not shown:
        return None
    lead = Paragraph(
        "The distance from the centre is the magnitude; a dashed line is a negative value.", "lead"
    )
    drawn = [
        picture(
            pictures.sections(crystal, entries[0].name),
            f"section-{place}",
            f"{family} of {crystal.name} in the xy, yz and zx planes.",
            wide=True,
        )
        for place, (family, entries) in enumerate(shown.items())
    ]
    return Section("sections", "Sections", [lead, *drawn])


def tensor(crystal: CrystalTensor) -> Section:
    """Return the matrix or the components, the frame they are in, and the structure's own."""
    blocks: list[Block] = [_stated(crystal, "matrix", "")]
    copies = [("Copy matrix", "frame")] if has_matrix(crystal) else []
    if has_other_axes(crystal):
        own = crystal.in_frame("structure")
        blocks.append(
            Fold(
                "The same in the axes of the structure",
                [_stated(own, "own", " in the axes of the structure")],
            )
        )
        if has_matrix(crystal):
            copies.append(("Copy matrix in the axes of the structure", "structure"))
    return Section("tensor", "The tensor", [*blocks, Buttons(copies)])


def has_other_axes(crystal: CrystalTensor) -> bool:
    """Say whether the structure has axes of its own."""
    return not np.allclose(crystal.frame.rotation, np.eye(3))


def has_matrix(crystal: CrystalTensor) -> bool:
    """Say whether the tensor is written as a matrix."""
    return crystal.voigt is not None or np.ndim(crystal.values) == 2


def _stated(crystal: CrystalTensor, name: str, where: str) -> Row:
    """Return the numbers, and beside them the frame they are in."""
    return Row([_numbers(crystal, name, where), Column(_frame(crystal))])


def _numbers(crystal: CrystalTensor, name: str, where: str) -> Block:
    unit = f" [{written_unit(crystal.unit)}]" if crystal.unit else ""
    if not has_matrix(crystal):
        return _components(crystal)
    legend = "Blue is positive, red negative."
    marks = symmetry_marks(crystal)
    if marks is not None:
        legend += (
            " Entries with one letter are equal by symmetry, up to the sign before it; · vanishes"
            + ("; * is a combination of others." if (marks == "*").any() else ".")
        )
    texts = entry_texts(matrix_values(crystal))
    alt = f"Matrix of {crystal.name}{where}{unit}: " + "; ".join(", ".join(row) for row in texts)
    caption = f"{title_of(crystal)}{unit}{where}. {legend}"
    return picture(pictures.matrix(crystal), name, alt, caption)


def _components(crystal: CrystalTensor) -> Block:
    reduction = crystal.reduction
    values = reduction.convert(crystal.values, target="components", invalid="project")
    largest = float(np.abs(values).max(initial=0.0))
    kept = [
        (component(label) if label.isdigit() else label, text)
        for label, value, text in zip(
            reduction.components.labels, values, typeset_alike(values, DIGITS), strict=True
        )
        if abs(value) > NOISE * largest
    ]
    unit = f" [{written_unit(crystal.unit)}]" if crystal.unit else ""
    shown = kept[:LONGEST_LIST]
    left = (
        f" The first {len(shown)} of {len(kept)}; the data have all."
        if len(kept) > len(shown)
        else ""
    )
    caption = f"Independent components that are not zero: {len(kept)} of {len(values)}.{left}"
    return Table(("component", f"value{unit}"), shown, caption)


def _axis(words: str) -> Markup:
    """Return what stands along an axis, with bars for minus signs, each piece on one line."""
    text = str(escape(words)).replace(" axis", "\u00a0axis")
    text = re.sub(r"^-(\d)", BARRED, text)
    return Markup(re.sub(BRACKETED, _together, text))


def _together(direction: re.Match[str]) -> str:
    """Keep a lattice direction on one line."""
    return re.sub(r"-(\d+)", BARRED, direction[0].replace(" ", "\u00a0"))


def _frame(crystal: CrystalTensor) -> list[Block]:
    frame = crystal.frame
    along = [
        Markup("{}: {}").format(axis, _axis(words))
        for axis, words in zip("xyz", frame.axes, strict=True)
        if words
    ]
    text = Markup("Frame: {}.").format(FRAMES.get(frame.name, frame.name))
    if along:
        text += Markup(" {}.").format(Markup("; ").join(along))
    blocks: list[Block] = [Paragraph(text)]
    if frame.lattice is not None:
        rows = [
            (
                name,
                *(typeset_fixed(value, 4) for value in row),
                typeset_fixed(np.linalg.norm(row), 4),
            )
            for name, row in zip("abc", frame.lattice, strict=True)
        ]
        blocks.append(Table(("", "x", "y", "z", "length"), rows, "Lattice vectors [Å]"))
    return blocks


def constants(crystal: CrystalTensor) -> Section | None:
    """Return the constants that the point group leaves, and the relations of the others."""
    form, group = crystal.form, crystal.group
    if form is None or group is None:
        return None
    plural = "s" if form.independent != 1 else ""
    lead = Markup("Point group {} leaves {} independent constant{} of {} components").format(
        hermann_mauguin(group.symbol), form.independent, plural, crystal.reduction.dimension
    )
    per_weight = ", ".join(
        f"{count} of weight {w}" for w, count in form.per_weight.items() if count
    )
    lead += f": {per_weight}." if per_weight else "."
    if crystal.residual is not None and crystal.residual > NOISE:
        lead += f" What violates the group is {typeset(100 * crystal.residual, 2)} % of the norm."
    tables: list[Block] = []
    unit = f" [{written_unit(crystal.unit)}]" if crystal.unit else ""
    if form.parameters:
        rows = [
            (component(name), text)
            for name, text in zip(
                form.parameters, typeset_alike(_parameters(crystal, form), DIGITS), strict=True
            )
        ]
        tables.append(Table(("constant", f"value{unit}"), rows))
    relations = [line.partition(" = ") for line in form.relation_lines()]
    if relations:
        rows = [(component(left), component(f"= {right}")) for left, _, right in relations]
        tables.append(Table(("component", "by symmetry"), rows))
    return Section("constants", "Independent constants", [Paragraph(lead, "lead"), Row(tables)])


def _parameters(crystal: CrystalTensor, form: SymbolicForm) -> Floats:
    """Return the values of the constants, in the standard axes in which relations hold."""
    values = crystal.values if crystal.setting is None else crystal.in_frame("standard").values
    target = crystal.reduction
    written = target.convert(values, target=form.written_as, invalid="project")
    entries = target.components.layout(form.written_as).entries
    return np.asarray(np.ravel(written)[entries[list(form.free)]], dtype=np.float64)


def classes(crystal: CrystalTensor) -> Section | None:
    """Return the distances from the symmetry classes; None for a zero tensor, which has all."""
    if not np.any(crystal.values):
        return None
    listed = "; ".join(
        f"{fit.name} {typeset_percent(fit.distance, noise=NOISE)}" for fit in crystal.class_fits
    )
    return Section(
        "classes",
        "Distance from symmetry classes",
        [
            Paragraph(
                "How much of the tensor must change, at least, to give it a symmetry: the norm of "
                "the difference over the norm, for the best orientation of its axes.",
                "lead",
            ),
            picture(pictures.distances(crystal), "classes", f"Distances: {listed}."),
        ],
    )


def parts(crystal: CrystalTensor) -> Section:
    """Return the natural parts of the tensor."""
    reduction = crystal.reduction
    lead = Paragraph(
        f"The tensor is a sum of natural tensors ({reduction.irreps}): parts that rotate among "
        "themselves. Weight 0 is the isotropic part. Shares of the squared norm depend on no "
        "frame; how one weight is divided into copies is rule 10 of the conventions.",
        "lead",
    )
    if not np.any(crystal.values):
        return Section("parts", "Natural parts", [lead, Paragraph("The tensor is zero.")])
    shares = reduction.fractions(crystal.values, per="copy", invalid="project")
    norm = float(np.linalg.norm(crystal.values))
    unit = f" [{written_unit(crystal.unit)}]" if crystal.unit else ""
    norms = typeset_alike([norm * float(share) ** 0.5 for share in shares.values()], of=norm)
    rows = [
        (f"weight {weight}, copy {copy}", text, typeset_percent(share))
        for ((weight, copy), share), text in zip(shares.items(), norms, strict=True)
    ]
    alt = "Shares: " + "; ".join(f"{row[0]} {row[2]}" for row in rows)
    return Section(
        "parts",
        "Natural parts",
        [
            lead,
            Row(
                [
                    picture(pictures.parts(crystal), "parts", alt),
                    Table(("part", f"norm{unit}", "share"), rows),
                ]
            ),
        ],
    )


def notes(crystal: CrystalTensor) -> Section | None:
    """Return warnings, and the uncertainty of the tensor as a whole."""
    texts = list(crystal.notes)
    if not crystal.frame.decided:
        texts.append(
            "the crystal does not decide its canonical axes: another choice, as good as this one, "
            "may give components other signs"
        )
    if "relative" in crystal.uncertainty:
        share = 100 * float(crystal.uncertainty["relative"])
        texts.append(f"the tensor as a whole is uncertain by {share:.1f} %")
    if not texts:
        return None
    return Section("notes", "Notes", [Paragraph(text) for text in texts])


def provenance(crystal: CrystalTensor, stem: str) -> Section:
    """Return where the numbers come from, and how to make the page again."""
    rows: list[tuple[Words, ...]] = [
        ("source", crystal.source or "not stated"),
        ("input", crystal.name),
        ("natural-tensors", __version__),
        ("conventions", f"version {CONVENTIONS}"),
    ]
    return Section(
        "provenance",
        "Where this comes from",
        [
            Table((), rows),
            Paragraph(
                Markup(
                    "For a page of the same numbers, download the tensor and run "
                    "<code>natural-tensors report {0}.json -o {0}.html</code>."
                ).format(stem)
            ),
            Buttons([]),
        ],
    )
