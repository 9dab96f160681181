"""What a page says about a stiffness."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from .. import elasticity
from ..arrays import Floats, Json
from ..crystals.tensor import CrystalTensor
from ..elasticity.parts import CAUCHY
from ..formatting import MINUS, NOTHING, typeset, typeset_spread
from ..pictures.directional import stiffness_of
from .blocks import (
    Fact,
    Paragraph,
    Row,
    Section,
    Table,
    Words,
    component,
    vector,
)
from .directions import symbol


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
    anisotropy = typeset(moduli.universal_anisotropy, 3) if stable else NOTHING
    facts = [
        *(
            Fact(letter, words, typeset_spread(value, spread.get(name), "GPa"))
            for letter, words, value, name in hill
        ),
        Fact("ν", "Poisson's ratio", typeset(moduli.poisson_hill, 3)),
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
                typeset(getattr(moduli, f"{name}_{bound}", np.nan))
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
        ("universal anisotropy, 0 when isotropic", typeset(moduli.universal_anisotropy)),
        ("logarithmic anisotropy, 0 when isotropic", typeset(moduli.log_anisotropy)),
        ("Pugh's ratio K/G", typeset(moduli.bulk_hill / moduli.shear_hill)),
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


def _extremes(crystal: CrystalTensor) -> Section:
    title = "Smallest and largest over all directions"
    if not elasticity.is_stable(stiffness_of(crystal)):
        return Section(
            "extremes",
            title,
            [Paragraph("The moduli of an unstable crystal have poles: they have no extremes.")],
        )
    extremes = elasticity.extremes(stiffness_of(crystal))
    lattice = crystal.frame.lattice
    headings = [
        "",
        "value",
        "along x, y, z",
        *(["lattice"] if lattice is not None else []),
        "across",
    ]
    rows: list[tuple[Words, ...]] = []
    for entry in extremes:
        unit = f" {entry.unit}" if entry.unit else ""
        for end in ("minimum", "maximum"):
            direction = getattr(entry, f"{end}_direction")
            transverse = getattr(entry, f"{end}_transverse")
            word = "smallest" if end == "minimum" else "largest"
            rows.append(
                (
                    f"{entry.name}, {word}",
                    typeset(getattr(entry, end)) + unit,
                    vector(direction),
                    *([symbol(direction, lattice)] if lattice is not None else []),
                    vector(transverse) if transverse is not None else NOTHING,
                )
            )
    return Section(
        "extremes",
        title,
        [
            Paragraph(
                "Along: the direction of pull, or the normal of the sheared plane. Across: the "
                "direction of shear, or the one in which the width changes. Directions that "
                "symmetry makes equal are named once; [u\u00a0v\u00a0w] is the simplest lattice "
                "direction within half a degree, or else the nearest.",
                "lead",
            ),
            Table(headings, rows),
        ],
    )


def _stability(crystal: CrystalTensor) -> Section:
    modes = elasticity.kelvin_modes(stiffness_of(crystal))
    stable = bool(elasticity.is_stable(stiffness_of(crystal)))
    rows = [
        (f"{place}", typeset(modulus), _strain(strain))
        for place, (modulus, strain) in enumerate(
            zip(modes.moduli_gpa, modes.strains, strict=True), start=1
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
        (name, *(typeset(speed) for speed in reversed(three)))
        for (name, _), three in zip(ways, speeds, strict=True)
    ]
    return Section(
        "sound",
        title,
        [
            Table(
                ("along", "longitudinal [m/s]", "fast transverse [m/s]", "slow transverse [m/s]"),
                rows,
            )
        ],
    )


def _cauchy(crystal: CrystalTensor) -> Section:
    matrix = stiffness_of(crystal)
    parts = elasticity.decomposition(matrix)
    rows = [
        (
            component(name.replace("-", " = ")),
            *(typeset(matrix[place]) for place in CAUCHY[name]),
            typeset(difference),
        )
        for name, difference in parts.cauchy_differences_gpa.items()
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
