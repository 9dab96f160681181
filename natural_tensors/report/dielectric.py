"""What a page says about a permittivity and about a piezoelectric tensor."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from .. import optics, piezoelectricity
from ..arrays import Floats, Json
from ..crystals.equivalents import family, symmetry_of
from ..crystals.tensor import CrystalTensor
from ..formatting import NOISE, NOTHING, typeset
from ..pictures.directional import contract, written_unit
from .blocks import Block, Fact, Paragraph, Section, Table, Words
from .directions import named, where

INDEX_DIGITS = 5
"""Significant digits of refractive indices, whose differences matter."""


def _headings(*first: Words) -> list[Words]:
    return [*first, "along x, y, z"]


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
    facts.append(Fact("Δn", "birefringence", typeset(summary.birefringence, 3, noise=NOISE)))
    facts.append(Fact("", "optical class", _character(summary)))
    if summary.optical_class == "biaxial":
        facts.append(Fact("2V", "between the optic axes", f"{summary.angle_2v_deg:.1f}°"))
    return facts


def dielectric(crystal: CrystalTensor) -> Section:
    """Return principal values, refractive indices and optic axes."""
    summary = optics.summary(crystal.values)
    symmetry = symmetry_of(crystal)
    rows = []
    for name, value, index, axis in zip(
        ("smallest", "middle", "largest"),
        summary.principal_values,
        summary.refractive_indices,
        summary.principal_axes,
        strict=True,
    ):
        found = family(lambda n, m: contract(crystal.values, n), axis, None, symmetry)
        along, _, _ = where(found, crystal.frame.lattice, across=False)
        rows.append([name, typeset(value, INDEX_DIGITS), typeset(index, INDEX_DIGITS), along])
    blocks: list[Block] = [
        Paragraph(
            "The index is the square root of the permittivity. It is that of light where the "
            "permittivity is that of the electrons alone, ε∞, and of no light where ions "
            "contribute.",
            "lead",
        ),
        Table(_headings("principal value", "permittivity", "index"), rows, stacked=True),
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
        axes = [("optic axis", summary.optic_axes[0])]
    else:
        text += f"; the optic axes are 2V = {summary.angle_2v_deg:.1f}° apart"
        axes = [(f"optic axis {place}", axis) for place, axis in enumerate(summary.optic_axes, 1)]
    rows = [[name, named(axis, crystal.frame.lattice)] for name, axis in axes]
    return [Paragraph(f"{text}."), Table(_headings(""), rows)]


def _responses(crystal: CrystalTensor) -> piezoelectricity.PiezoelectricSummary:
    return piezoelectricity.summary(crystal.values, unit=crystal.unit)


def _response(value: float | Floats, summary: piezoelectricity.PiezoelectricSummary) -> str:
    return typeset(value, noise=NOISE * float(summary.norm))


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
    lattice = crystal.frame.lattice
    polar = summary.hydrostatic_norm > NOISE * summary.norm
    pressed = summary.hydrostatic / summary.hydrostatic_norm if polar else np.full(3, np.nan)
    rows = [
        [
            "longitudinal, largest",
            _response(summary.longitudinal_maximum, summary),
            *_strongest(crystal, summary),
        ],
        [
            "hydrostatic",
            _response(summary.hydrostatic_norm, summary),
            named(pressed, lattice),
            "1 direction" if polar else NOTHING,
        ],
        [
            "to any load of unit norm, largest",
            _response(summary.largest_singular_value, summary),
            *[NOTHING] * 2,
        ],
    ]
    return Section(
        "extremes",
        "Strongest responses",
        [
            Paragraph(
                "Longitudinal: polarization along the direction of the strain or stress; in the "
                "opposite direction it has the other sign. Hydrostatic: polarization under a "
                "strain or stress that is equal in all directions, which only polar crystals "
                "show. A family is all directions that symmetry makes equal, of which one is "
                "shown.",
                "lead",
            ),
            Table([*_headings("response", f"value{unit}"), "family"], rows, stacked=True),
        ],
    )


def _strongest(
    crystal: CrystalTensor, summary: piezoelectricity.PiezoelectricSummary
) -> list[Words]:
    """Return the cells that say along which directions the longitudinal response is largest."""
    if not np.isfinite(summary.longitudinal_direction).all():
        return [NOTHING] * 2
    found = family(
        lambda n, m: contract(crystal.values, n),
        summary.longitudinal_direction,
        None,
        symmetry_of(crystal),
        polar=True,
    )
    along, _, count = where(found, crystal.frame.lattice, across=False)
    return [along, count]


def electric_properties(crystal: CrystalTensor) -> dict[str, Json]:
    """Return everything that follows from a permittivity or a piezoelectric tensor, for JSON."""
    if crystal.reduction.name == "dielectric":
        return optics.summary(crystal.values).to_dict()
    return _responses(crystal).to_dict()
