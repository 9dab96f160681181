"""What a page says about a permittivity and about a piezoelectric tensor."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from .. import optics, piezoelectricity
from ..arrays import Floats, Json
from ..crystals.tensor import CrystalTensor
from ..formatting import NOTHING, typeset
from ..pictures.directional import written_unit
from .blocks import Block, Fact, Paragraph, Section, Table, Words, vector
from .directions import symbol

INDEX_DIGITS = 5
"""Significant digits of refractive indices, whose differences matter."""


ROUNDING = 1e-9
"""A response below this share of the norm is 0."""


def _headings(crystal: CrystalTensor, *first: Words) -> list[Words]:
    return [*first, "along x, y, z", *(["lattice"] if crystal.frame.lattice is not None else [])]


def _along(crystal: CrystalTensor, direction: Floats) -> list[Words]:
    """Return the cells that name a direction, dashes when there is none."""
    lattice = crystal.frame.lattice
    if not np.isfinite(direction).all():
        return [NOTHING] * (1 if lattice is None else 2)
    return [vector(direction), *([symbol(direction, lattice)] if lattice is not None else [])]


def _character(summary: optics.OpticalSummary) -> str:
    """Return ``"biaxial, positive"``."""
    sign = {1: ", positive", -1: ", negative", 0: ""}[int(summary.sign)]
    return f"{summary.optical_class}{sign}"


def dielectric_facts(crystal: CrystalTensor) -> list[Fact]:
    """Return refractive indices, birefringence and optical character at a glance."""
    summary = optics.summary(crystal.values)
    if summary.principal_values[0] <= 0:
        return []
    facts = [
        Fact(
            Markup("n<sub>{}</sub>").format(letter),
            "refractive index",
            typeset(index, INDEX_DIGITS),
        )
        for letter, index in zip("αβγ", summary.refractive_indices, strict=True)
    ]
    facts.append(Fact("Δn", "birefringence", typeset(summary.birefringence, 3)))
    facts.append(Fact("", "optical class", _character(summary)))
    if summary.optical_class == "biaxial":
        facts.append(Fact("2V", "between the optic axes", f"{summary.angle_2v_deg:.1f}°"))
    return facts


def dielectric(crystal: CrystalTensor) -> Section:
    """Return principal values, refractive indices and optic axes."""
    summary = optics.summary(crystal.values)
    columns = zip(
        ("smallest", "middle", "largest"),
        summary.principal_values,
        summary.refractive_indices,
        summary.principal_axes,
        strict=True,
    )
    rows = [
        [name, typeset(value, INDEX_DIGITS), typeset(index, INDEX_DIGITS), *_along(crystal, axis)]
        for name, value, index, axis in columns
    ]
    blocks: list[Block] = [
        Paragraph(
            "The index is the square root of the permittivity. It is that of light where the "
            "permittivity is that of the electrons alone, ε∞, and of no light where ions "
            "contribute.",
            "lead",
        ),
        Table(_headings(crystal, "principal value", "permittivity", "index"), rows),
        *_optic_axes(crystal, summary),
    ]
    return Section("principal", "Principal values and optic axes", blocks)


def _optic_axes(crystal: CrystalTensor, summary: optics.OpticalSummary) -> list[Block]:
    if summary.principal_values[0] <= 0:
        return [Paragraph("A principal value is not positive: light does not travel in all axes.")]
    text = f"Optically {_character(summary)}"
    if summary.optical_class == "isotropic":
        return [Paragraph(f"{text}: all directions are alike.")]
    if summary.optical_class == "uniaxial":
        named = [("optic axis", summary.optic_axes[0])]
    else:
        text += f"; the optic axes are 2V = {summary.angle_2v_deg:.1f}° apart"
        named = [(f"optic axis {place}", axis) for place, axis in enumerate(summary.optic_axes, 1)]
    rows = [[name, *_along(crystal, axis)] for name, axis in named]
    return [Paragraph(f"{text}."), Table(_headings(crystal, ""), rows)]


def _responses(crystal: CrystalTensor) -> piezoelectricity.PiezoelectricSummary:
    return piezoelectricity.summary(crystal.values, unit=crystal.unit)


def _response(value: float | Floats, summary: piezoelectricity.PiezoelectricSummary) -> str:
    return typeset(value if value > ROUNDING * summary.norm else 0.0)


def piezoelectric_facts(crystal: CrystalTensor) -> list[Fact]:
    """Return the strongest responses at a glance."""
    summary = _responses(crystal)
    unit = f" {written_unit(summary.unit)}" if summary.unit else ""
    return [
        Fact("", "largest longitudinal", _response(summary.longitudinal_maximum, summary) + unit),
        Fact("", "hydrostatic", _response(summary.hydrostatic_norm, summary) + unit),
    ]


def piezoelectric(crystal: CrystalTensor) -> Section:
    """Return the largest responses, and where."""
    summary = _responses(crystal)
    unit = f" [{written_unit(summary.unit)}]" if summary.unit else ""
    polar = summary.hydrostatic_norm > ROUNDING * summary.norm
    pressed = summary.hydrostatic / summary.hydrostatic_norm if polar else np.full(3, np.nan)
    rows = [
        [
            "longitudinal, largest",
            _response(summary.longitudinal_maximum, summary),
            *_along(crystal, summary.longitudinal_direction),
        ],
        ["hydrostatic", _response(summary.hydrostatic_norm, summary), *_along(crystal, pressed)],
        [
            "to any load of unit norm, largest",
            _response(summary.largest_singular_value, summary),
            *_along(crystal, np.full(3, np.nan)),
        ],
    ]
    return Section(
        "extremes",
        "Strongest responses",
        [
            Paragraph(
                "Longitudinal: polarization along the direction of the strain or stress; in the "
                "opposite direction it has the other sign. Hydrostatic: polarization under a "
                "strain or stress that is equal in all directions, which only polar crystals show.",
                "lead",
            ),
            Table(_headings(crystal, "response", f"value{unit}"), rows),
        ],
    )


def electric_properties(crystal: CrystalTensor) -> dict[str, Json]:
    """Return everything that follows from a permittivity or a piezoelectric tensor, for JSON."""
    if crystal.reduction.name == "dielectric":
        return optics.summary(crystal.values).to_dict()
    return _responses(crystal).to_dict()
