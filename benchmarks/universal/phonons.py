"""Phonons of six crystals, beside PBE where its forces are published, beside neutrons elsewhere.

At Γ the modes of a potential without charges are the transverse ones: of polar crystals the
longitudinal one is left out there. X and L fit the supercells of both, so that nothing is
interpolated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from rich.table import Table

from carnet_model.calculators.phonons import phonons
from carnet_model.relaxation.relaxing import relax
from carnet_model.structures.conversion import geometry

from .jobs import Settings, results
from .potentials import Potential

SUPERCELL = (4, 4, 4)
"""Multiples of the primitive cell."""

FORCE = 1e-3
"""eV/Å left by the relaxation: frequencies near zero feel it."""


@dataclass(frozen=True)
class Reference:
    """Frequencies of a crystal.

    Attributes:
        crystal: the primitive cell where a relaxation starts.
        frequencies: THz, rising, by special point; at Γ without translations.
        kind: ``"PBE"`` or ``"measured"``.
        source: where they are from.
    """

    crystal: Atoms
    frequencies: Mapping[str, tuple[float, ...]]
    kind: str
    source: str


def _modes(pairs: str) -> tuple[float, ...]:
    """Return frequencies written as ``"2x4.40 12.05"``, each as often as it occurs.

    >>> _modes("2x4.4 12.05")
    (4.4, 4.4, 12.05)
    """
    found: list[float] = []
    for word in pairs.split():
        times, _, value = word.rpartition("x")
        found += [float(value)] * int(times or 1)
    return tuple(found)


FORCES = "frequencies of the forces in {}, VASP with PBE, a 2 x 2 x 2 supercell of the cubic cell"

REFERENCES = {
    "Si": Reference(
        bulk("Si", "diamond", a=5.43),
        {
            "Γ": _modes("3x15.09"),
            "X": _modes("2x4.40 2x12.05 2x13.42"),
            "L": _modes("2x3.33 11.13 12.02 2x14.33"),
        },
        "PBE",
        FORCES.format("the example Si-PBE of phono3py"),
    ),
    "MgO": Reference(
        bulk("MgO", "rocksalt", a=4.21),
        {
            "Γ": _modes("3x11.20"),
            "X": _modes("2x8.45 12.17 2x12.74 15.85"),
            "L": _modes("2x7.93 2x10.26 15.89 16.47"),
        },
        "PBE",
        FORCES.format("the example MgO of phonopy"),
    ),
    "NaCl": Reference(
        bulk("NaCl", "rocksalt", a=5.64),
        {
            "Γ": _modes("3x4.66"),
            "X": _modes("2x2.51 4.14 2x4.92 5.30"),
            "L": _modes("2x3.28 2x3.86 5.13 6.31"),
        },
        "PBE",
        FORCES.format("the example NaCl of phonopy"),
    ),
    "GaAs": Reference(
        bulk("GaAs", "zincblende", a=5.65),
        {
            "Γ": _modes("3x8.02"),
            "X": _modes("2x2.36 6.80 7.22 2x7.56"),
            "L": _modes("2x1.86 6.26 7.15 2x7.84"),
        },
        "measured",
        "J. L. T. Waugh and G. Dolling 1963, Phys. Rev. 132, 2410, neutrons, 296 K",
    ),
    "Al": Reference(
        bulk("Al", "fcc", a=4.05),
        {"X": _modes("2x5.79 9.61"), "L": _modes("2x4.23 9.72")},
        "measured",
        "force constants of E. R. Cowley 1974, Can. J. Phys. 52, 1714, fitted to neutrons, 80 K",
    ),
    "Cu": Reference(
        bulk("Cu", "fcc", a=3.61),
        {"X": _modes("2x5.15 7.24"), "L": _modes("2x3.40 7.29")},
        "measured",
        "force constants of R. M. Nicklow and others 1967, Phys. Rev. 164, 922, fitted to "
        "neutrons, 49 K",
    ),
}
"""PBE frequencies were computed by phonopy from the forces named; those of force constants from the
dynamical matrix. Those of PBE are 2 to 5 % below measured ones."""


def vibrating(calculator: Any, name: str) -> dict[str, Any]:
    """Return frequencies of a crystal of `REFERENCES`, relaxed, THz, imaginary ones negative.

    ``points``: by special point, at Γ without translations; ``verdict`` and ``softest``: of
    `Phonons`, over all wave vectors that were looked at; ``lattice``, its constant in Å.
    """
    crystal = geometry(REFERENCES[name].crystal)
    rest = relax(calculator, crystal, force=FORCE).at_rest()
    found = phonons(calculator, rest, supercell=SUPERCELL)
    points = {}
    for point in found.points:
        if point.label in ("Γ", "X", "L"):
            modes = point.frequencies.tolist()
            if point.label == "Γ":  # translations are those nearest zero
                modes = sorted(sorted(modes, key=abs)[3:])
            points[point.label] = modes
    assert rest.volume is not None
    return {
        "points": points,
        "verdict": found.verdict,
        "softest": found.between.softest,
        "lattice": (4 * rest.volume) ** (1 / 3),
    }


def tables(potentials: Sequence[Potential], settings: Settings) -> Iterator[Table]:
    """Yield frequencies by special point, and how far they are from the references."""
    found = {
        potential.label: results(
            potential, "phonons", vibrating, {name: name for name in REFERENCES}, settings,
            {"force": FORCE, "supercell": list(SUPERCELL)},
        )
        for potential in potentials
    }  # fmt: skip
    yield _frequencies(found)
    yield _errors(found)


def _frequencies(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    table = Table("crystal", "point", "who", "THz", title="Phonons")
    for name, reference in REFERENCES.items():
        for point, modes in reference.frequencies.items():
            table.add_row(name, point, reference.kind, _words(modes))
            for label, of_all in found.items():
                if "points" in of_all[name]:
                    table.add_row("", "", label, _words(of_all[name]["points"][point]))
    return table


def _errors(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """Return the mean relative errors of all modes, and what is imaginary."""
    table = Table(
        "potential", "crystal", "beside", "error, %", "bias, %", "imaginary modes", "lattice, Å",
        title="Phonons: mean relative errors of the modes at Γ, X and L",
    )  # fmt: skip
    for label, of_all in found.items():
        every: list[float] = []
        for name, reference in REFERENCES.items():
            result = of_all[name]
            if "error" in result:
                table.add_row(label, name, reference.kind, "-", "-", result["error"][:60], "-")
                continue
            errors = relative_errors(result["points"], reference)
            every += errors
            imaginary = "none"
            if result["verdict"] != "stable":
                imaginary = f"{result['verdict']}: {result['softest']:.2f} THz"
            table.add_row(
                label, name, reference.kind, *_percent(errors), imaginary,
                f"{result['lattice']:.3f}",
            )  # fmt: skip
        table.add_row(label, "all modes", "", *_percent(every), "", "", style="bold")
    return table


def _percent(errors: Sequence[float]) -> tuple[str, str]:
    """Return the mean absolute error and the mean error."""
    if not errors:
        return "-", "-"
    return f"{100 * np.abs(errors).mean():.1f}", f"{100 * np.mean(errors):+.1f}"


def relative_errors(points: Mapping[str, Sequence[float]], reference: Reference) -> list[float]:
    """Return the relative errors of all modes of a crystal; an imaginary mode is off by over 1."""
    return [
        float(mode / truth - 1)
        for point, modes in reference.frequencies.items()
        for mode, truth in zip(points[point], modes, strict=True)
    ]


def _words(modes: Sequence[float]) -> str:
    return " ".join(f"{mode:.2f}" for mode in modes)
