"""What a page says about a stiffness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from markupsafe import Markup

from .. import elasticity
from ..arrays import Floats, Json
from ..crystals.equivalents import Value, family, symmetry_of
from ..crystals.tensor import CrystalTensor
from ..elasticity.parts import CAUCHY
from ..formatting import MINUS, NOISE, NOTHING, typeset, typeset_alike, typeset_spread
from ..pictures.directional import stiffness_of
from .blocks import (
    Fact,
    Paragraph,
    Row,
    Section,
    Table,
    Words,
    component,
)
from .directions import symbol, where

LEAD = (
    "Along: the direction of pull, or the normal of the sheared plane. Across: the direction of "
    "shear, or the one in which the width changes. Directions whose values agree to half a unit "
    "of the last digit are one family, of which one member is shown; opposite directions count "
    "once, as do the two directions of a shear, which may be exchanged. ⟨u\u00a0v\u00a0w⟩ is the "
    "family of the simplest lattice direction within half a degree, or else of the nearest; "
    "[u\u00a0v\u00a0w] stands alone."
)
HEADINGS = ("", "value", "along x, y, z", "across", "family")


def elastic_facts(crystal: CrystalTensor) -> list[Fact]:
    """Return the numbers at a glance."""
    stiffness, spread = stiffness_of(crystal), crystal.uncertainty
    moduli = elasticity.moduli(stiffness)
    stable = bool(elasticity.is_stable(stiffness))
    hill = (
        ("K", "bulk modulus", moduli.bulk_hill, "bulk"),
        ("G", "shear modulus", moduli.shear_hill, "shear"),
        ("E", "Young's modulus", moduli.youngs_hill, "youngs"),
    )
    anisotropy = typeset(moduli.universal_anisotropy, 3, noise=NOISE) if stable else NOTHING
    facts = [
        *(
            Fact(letter, words, typeset_spread(value, spread.get(name), "GPa"))
            for letter, words, value, name in hill
        ),
        Fact("ν", "Poisson's ratio", typeset(moduli.poisson_hill, 3, noise=NOISE)),
        Fact(Markup("A<sup>U</sup>"), "universal anisotropy", anisotropy),
        Fact(
            "",
            "mechanical stability",
            "stable" if stable else "NOT stable",
            "good" if stable else "alarm",
        ),
    ]
    if crystal.density_kg_m3 is not None:
        facts.append(Fact("ρ", "density", f"{typeset(crystal.density_kg_m3)} kg/m³"))
    if stable and crystal.density_kg_m3 is not None and crystal.atoms_per_m3 is not None:
        debye = elasticity.debye_temperature(stiffness, crystal.density_kg_m3, crystal.atoms_per_m3)
        facts.append(Fact(Markup("Θ<sub>D</sub>"), "Debye temperature", f"{typeset(debye, 3)} K"))
    return facts


def elastic_alarms(crystal: CrystalTensor) -> list[Words]:
    """Return what must be seen first: the strains that an unstable crystal does not resist."""
    if elasticity.is_stable(stiffness_of(crystal)):
        return []
    modes = elasticity.kelvin_modes(stiffness_of(crystal))
    soft = modes.moduli_gpa <= elasticity.ROUNDING * np.abs(modes.moduli_gpa).max()
    strains = "; ".join(
        f"{_strain(strain)} (Kelvin modulus {typeset(modulus)} GPa)"
        for modulus, strain in zip(modes.moduli_gpa[soft], modes.strains[soft], strict=True)
    )
    plural = "s" if soft.sum() > 1 else ""
    return [
        f"This crystal is not mechanically stable. It gives way to the strain{plural} {strains}."
    ]


def _strain(strain: Floats) -> str:
    """Return a strain as a sum whose lines break between its terms only."""
    text = elasticity.describe_strain(strain)
    for short, tied in (("- ", f"{MINUS}\u00a0"), ("+ ", "+\u00a0"), (" e_", "\u00a0e_")):
        text = text.replace(short, tied)
    return text


def elastic_properties(crystal: CrystalTensor) -> dict[str, Json]:
    """Return everything that follows from a stiffness, for JSON; keys end in their units."""
    density = crystal.density_kg_m3
    summary = elasticity.summary(
        stiffness_of(crystal),
        density_kg_m3=density,
        atoms_per_m3=None if density is None else crystal.atoms_per_m3,
    )
    return summary.to_dict()


def elastic_sections(crystal: CrystalTensor) -> tuple[Section, ...]:
    """Return the sections that only a stiffness has."""
    return (
        _moduli(crystal),
        *([_beside(crystal)] if crystal.beside else []),
        _extremes(crystal),
        _stability(crystal),
        _velocities(crystal),
        _cauchy(crystal),
    )


def _moduli(crystal: CrystalTensor) -> Section:
    moduli = elasticity.moduli(stiffness_of(crystal))
    rows = [
        (
            words,
            *(
                typeset(getattr(moduli, f"{name}_{bound}", np.nan), noise=NOISE)
                for bound in ("voigt", "reuss", "hill")
            ),
        )
        for words, name in (
            ("bulk modulus K [GPa]", "bulk"),
            ("shear modulus G [GPa]", "shear"),
            ("Young's modulus E [GPa]", "youngs"),
            ("Poisson's ratio ν", "poisson"),
        )
    ]
    indices = [
        (words, typeset(value, noise=NOISE))
        for words, value in (
            ("universal anisotropy, 0 when isotropic", moduli.universal_anisotropy),
            ("logarithmic anisotropy, 0 when isotropic", moduli.log_anisotropy),
            ("Pugh's ratio K/G", moduli.bulk_hill / moduli.shear_hill),
        )
    ]
    return Section(
        "moduli",
        "Moduli of the polycrystal",
        [
            Paragraph(
                "A body of many grains without texture. Voigt (one strain everywhere) and Reuss "
                "(one stress) are bounds when the crystal is stable; Hill is their mean.",
                "lead",
            ),
            Row([Table(("", "Voigt", "Reuss", "Hill"), rows), Table(("index", "value"), indices)]),
        ],
    )


def _beside(crystal: CrystalTensor) -> Section:
    """Return the moduli of this tensor and of those to compare with, and how far they are apart."""
    own = elasticity.moduli(stiffness_of(crystal))
    rows: list[tuple[Words, ...]] = []
    for title, values, share in (
        ("this page", own, ""),
        *(
            (
                each.title,
                elasticity.moduli(stiffness_of(replace(crystal, values=each.values))),
                f"{typeset(100 * crystal.distance(each), 3)} %",
            )
            for each in crystal.beside
        ),
    ):
        hill = (values.bulk_hill, values.shear_hill, values.youngs_hill)
        rows.append((title, *(typeset(value, noise=NOISE) for value in hill), share))
    return Section(
        "beside",
        "Beside other tensors of this crystal",
        [
            Paragraph(
                "Hill averages. The distance is the Frobenius norm of the difference of the "
                "tensors over that of the other. Where tensors from different sources disagree, "
                "one of them errs: their distance is an uncertainty of both.",
                "lead",
            ),
            Table(("", "K [GPa]", "G [GPa]", "E [GPa]", "distance"), rows),
        ],
    )


def _extremes(crystal: CrystalTensor) -> Section:
    title = "Smallest and largest over all directions"
    if not elasticity.is_stable(stiffness_of(crystal)):
        return Section(
            "extremes",
            title,
            [Paragraph("The moduli of an unstable crystal have poles: they have no extremes.")],
        )
    extremes, values = elasticity.extremes(stiffness_of(crystal)), _values(crystal)
    symmetry = symmetry_of(crystal)
    rows: list[tuple[Words, ...]] = []
    for entry, value in zip(extremes, values, strict=True):
        unit = f" {entry.unit}" if entry.unit else ""
        across = entry.minimum_transverse is not None
        scale = max(abs(float(entry.minimum)), abs(float(entry.maximum)))
        for end, word in (("minimum", "smallest"), ("maximum", "largest")):
            found = family(
                value,
                getattr(entry, f"{end}_direction"),
                getattr(entry, f"{end}_transverse"),
                symmetry,
                exchange=entry is extremes.shear,
                scale=scale,
            )
            rows.append(
                (
                    f"{entry.name}, {word}",
                    typeset(getattr(entry, end), noise=NOISE * scale) + unit,
                    *where(found, crystal.frame.lattice, across=across),
                )
            )
    return Section(
        "extremes", title, [Paragraph(LEAD, "lead"), Table(HEADINGS, rows, stacked=True)]
    )


def _values(crystal: CrystalTensor) -> tuple[Value, ...]:
    """Return the properties of directions, in the order of their extremes."""
    matrix = stiffness_of(crystal)
    return (
        lambda n, m: elasticity.youngs_modulus(matrix, n),
        lambda n, m: elasticity.linear_compressibility(matrix, n),
        lambda n, m: elasticity.shear_modulus(matrix, n, m),
        lambda n, m: elasticity.poisson_ratio(matrix, n, m),
    )


def _stability(crystal: CrystalTensor) -> Section:
    modes = elasticity.kelvin_modes(stiffness_of(crystal))
    stable = bool(elasticity.is_stable(stiffness_of(crystal)))
    rows = [
        (f"{place}", modulus, _strain(strain))
        for place, (modulus, strain) in enumerate(
            zip(typeset_alike(modes.moduli_gpa), modes.strains, strict=True), start=1
        )
    ]
    verdict = (
        "All six Kelvin moduli are positive: every homogeneous strain costs energy."
        if stable
        else "A Kelvin modulus is not positive: the crystal gives way to its strain."
    )
    return Section(
        "stability",
        "Stability and Kelvin moduli",
        [
            Paragraph(verdict, "" if stable else "alarm"),
            Paragraph(
                "A Kelvin modulus is the stiffness against a strain whose stress is proportional "
                "to it. Strains of equal moduli are one choice of many.",
                "lead",
            ),
            Table(("", "modulus [GPa]", "strain, of unit norm"), rows),
        ],
    )


def _velocities(crystal: CrystalTensor) -> Section:
    title = "Velocities of sound"
    if crystal.density_kg_m3 is None:
        return Section(
            "sound", title, [Paragraph("They need a density, and none is known for this crystal.")]
        )
    ways: list[tuple[Words, Floats]] = list(zip("xyz", np.eye(3), strict=True))
    if crystal.frame.lattice is not None:
        lattice = crystal.frame.lattice
        unit = lattice / np.linalg.norm(lattice, axis=1)[:, None]
        ways += [
            (Markup("{} {}").format(name, symbol(row, lattice)), row)
            for name, row in zip("abc", unit, strict=True)
            if np.abs(np.eye(3) @ row).max() < 1 - 1e-6  # x, y and z are there already
        ]
    speeds = elasticity.sound_velocities(
        stiffness_of(crystal), np.array([row for _, row in ways]), crystal.density_kg_m3
    ).velocities_m_s
    rows = [
        (name, *typeset_alike(three[::-1], of=float(speeds.max())))
        for (name, _), three in zip(ways, speeds, strict=True)
    ]
    return Section(
        "sound",
        title,
        [
            Table(
                ("along", "longitudinal", "fast transverse", "slow transverse"),
                rows,
                "Phase velocities [m/s]",
            )
        ],
    )


def _cauchy(crystal: CrystalTensor) -> Section:
    matrix = stiffness_of(crystal)
    parts = elasticity.decomposition(matrix)
    # all in the decimals of the largest of the matrix: what is less is not known of it
    sides = [
        (*(matrix[place] for place in CAUCHY[name]), difference)
        for name, difference in parts.cauchy_differences_gpa.items()
    ]
    texts = typeset_alike(np.array(sides).ravel(), of=float(np.abs(matrix).max()))
    rows = [
        (component(name.replace("-", " = ")), *texts[3 * place : 3 * place + 3])
        for place, name in enumerate(parts.cauchy_differences_gpa)
    ]
    return Section(
        "cauchy",
        "Cauchy relations",
        [
            Paragraph(
                "Central forces between atoms at centres of symmetry would make the stiffness "
                "symmetric in all four indices. What is not has "
                f"{100 * parts.asymmetric_share:.2f} % of its squared norm.",
                "lead",
            ),
            Table(("relation", "left [GPa]", "right [GPa]", "difference [GPa]"), rows),
        ],
    )
