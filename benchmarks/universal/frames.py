"""Energies, forces and stresses of frames far from equilibrium, beside those of DFT.

The sources of the frames set DFT up differently, so an energy is compared after what an atom of
each element contributes was fitted, by least squares, to the differences on the training frames of
the same source. A validation frame with an element that those do not hold has no energy error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from ase.stress import voigt_6_to_full_3x3_stress
from rich.table import Table

from carnet_model.evaluation.errors import ForceLabels, potential_errors
from carnet_model.evaluation.scores import Score
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.reading import read_json
from natural_tensors.arrays import Floats

from .jobs import Settings, results, sample
from .potentials import Potential

FILE = "ef_general.json.gz"


def single_point(calculator: Any, structure: Geometry) -> dict[str, Any]:
    """Return energy (eV), forces (eV/Å) and stress (eV/Å^3) under a calculator."""
    atoms = structure.to_ase(calculator)
    return {
        "energy": float(atoms.get_potential_energy()),
        "forces": np.round(atoms.get_forces(), 6).tolist(),
        "stress": np.round(atoms.get_stress(), 8).tolist(),
    }


def frames(settings: Settings, split: str) -> dict[str, dict[str, Any]]:
    """Return the records of a split, by a name of their own; all of those that fit references."""
    known = {
        f"{number} {record['id']}": record
        for number, record in enumerate(read_json(settings.data / FILE))
        if record["split"] == split and len(record["numbers"]) <= settings.most_atoms
    }
    limit = settings.limit if split == "val" else None
    return {name: known[name] for name in sample(list(known), limit)}


def references(records: Sequence[Mapping[str, Any]], energies: Sequence[float]) -> dict[int, float]:
    """Return what an atom of each element adds to computed energies, to be near those of DFT, eV.

    Args:
        records: frames of one source.
        energies: computed ones.
    """
    if not records:
        return {}
    elements = sorted({number for record in records for number in record["numbers"]})
    counts = np.array([[r["numbers"].count(element) for element in elements] for r in records])
    gaps = np.array([r["energy"] for r in records]) - np.array(energies)
    sizes = counts.sum(axis=1)  # every frame counts alike, by atom
    fitted = np.linalg.lstsq(counts / sizes[:, None], gaps / sizes, rcond=None)[0]
    return dict(zip(elements, fitted.tolist(), strict=True))


def tables(potentials: Sequence[Potential], settings: Settings) -> Iterator[Table]:
    """Yield the errors on the validation frames that all managed, by source."""
    records = {split: frames(settings, split) for split in ("val", "train")}
    structures = {
        name: geometry(record) for each in records.values() for name, record in each.items()
    }
    found = {
        potential.label: results(potential, "frames", single_point, structures, settings)
        for potential in potentials
    }
    common = [
        name for name in records["val"] if all("error" not in each[name] for each in found.values())
    ]
    table = Table(
        "potential", "source", "frames", "forces, meV/Å", "as vectors", "energy, meV/atom",
        "of frames", "stress, GPa", "of frames", "failed",
        title=f"Frames beside DFT, {len(common)} of unseen formulas that all managed: mean "
        "absolute errors (standard error) of components of forces, of forces as vectors, of "
        "energies with references fitted by source, of components of stress",
    )  # fmt: skip
    for label, results_of in found.items() if common else ():
        for row in _rows(label, results_of, records, common):
            table.add_row(*row)
    yield table


def _rows(
    label: str, found: Mapping[str, Mapping[str, Any]],
    records: Mapping[str, Mapping[str, Mapping[str, Any]]], names: Sequence[str],
) -> Iterator[list[str]]:  # fmt: skip
    """Yield the lines of one potential, over all and by source."""
    fitted = {}
    sources = sorted({records["val"][name]["src"] for name in names})
    for source in sources:
        known = [
            name
            for name, record in records["train"].items()
            if record["src"] == source and "error" not in found[name]
        ]
        of_source = [records["train"][name] for name in known]
        fitted[source] = references(of_source, [found[name]["energy"] for name in known])
    given = [records["val"][name] for name in names]
    predicted = [
        computed(found[name], record, fitted[record["src"]])
        for name, record in zip(names, given, strict=True)
    ]
    labels = [labelled(record) for record in given]
    groups = [record["src"] for record in given]
    sizes = [len(record["numbers"]) for record in given]
    errors = potential_errors(predicted, labels, sizes, groups)
    failed = [name for name in records["val"] if "error" in found[name]]
    vectors = [
        np.linalg.norm(one.forces - other.forces, axis=1)
        for one, other in zip(predicted, labels, strict=True)
        if one.forces is not None and other.forces is not None
    ]
    for head, source in zip(errors.columns, ["all", *sources], strict=True):
        scores = {score.name: score for score in errors.columns[head]}
        chosen = [
            norms for norms, group in zip(vectors, groups, strict=True) if source in ("all", group)
        ]
        energy, forces, stress = (scores[f"{name}_mae"] for name in ("energy", "forces", "stress"))
        yield [
            label, source, str(len(chosen)), _stated(forces, 0),
            f"{1e3 * np.concatenate(chosen).mean():.0f}",
            _stated(energy, 0), str(energy.count), _stated(stress, 2), str(stress.count),
            str(sum(source in ("all", records["val"][name]["src"]) for name in failed)),
        ]  # fmt: skip


def _stated(score: Score, digits: int) -> str:
    """Return a score and its standard error, or a dash where there is none."""
    return f"{score.value:.{digits}f} ({score.error:.{digits}f})" if score.count else "-"


def computed(
    result: Mapping[str, Any], record: Mapping[str, Any], fitted: Mapping[int, float]
) -> ForceLabels:
    """Return what was computed of a frame; the energy is NaN where an element has no reference."""
    shift = sum(fitted.get(number, np.nan) for number in record["numbers"])
    return ForceLabels(
        result["energy"] + shift, np.array(result["forces"]), _matrix(result["stress"])
    )


def labelled(record: Mapping[str, Any]) -> ForceLabels:
    """Return what DFT says of a frame; the stress only where it is known to be right."""
    stress = _matrix(record["stress"]) if record["stress_ok"] else None
    return ForceLabels(record["energy"], np.array(record["forces"]), stress)


def _matrix(stress: Sequence[float]) -> Floats:
    return np.asarray(voigt_6_to_full_3x3_stress(np.array(stress)), dtype=np.float64)
