"""Bulk and shear moduli of crystals known from several calculations, and tensors set to them.

Public collections state K and G of far more crystals than tensors, and some of them twice, years
apart. `merge` keeps the newest value of each and says whether the other agrees. A tensor that a
universal potential computed has the right anisotropy far more often than the right size: `correct`
sets its moduli to those known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

from .examples import split_of
from .reading import STRUCTURE_KEYS
from .records import records_of, write_records

Agreement = Literal["agree", "single", "differ"]

AGREEMENT = 0.1
"""Two values of K, or of G, agree when they differ by no more than this share of the newer one."""

BULK_TOLERANCE, SHEAR_TOLERANCE = 0.2, 0.25
"""A computed tensor whose K or G is off by more than this share is left out, not corrected."""

ITERATIONS = 200
"""Steps of the correction before it is given up; ten are common."""


CORRECTED = "corrected"
"""What is counted of tensors whose moduli were set."""


@dataclass(frozen=True)
class Vintage:
    """Calculations of one time, and under which keys of a record their moduli stand, GPa.

    Several keys hold the same calculations, published in several places; the first one counts.

    Attributes:
        bulk: keys of K after Hill.
        bulk_voigt: keys of K after Voigt, used where K after Hill is absent.
        shear: keys of G after Hill.
    """

    bulk: tuple[str, ...] = ()
    bulk_voigt: tuple[str, ...] = ()
    shear: tuple[str, ...] = ()


VINTAGES = (
    Vintage(("K_VRH_mp2025", "K_VRH"), ("K_V_mp2023",), ("G_VRH",)),
    Vintage(("K_VRH_matbench", "K_VRH_mp2019"), (), ("G_VRH_matbench", "G_VRH_mp2019")),
)
"""Calculations of the Materials Project, the newest first."""


@dataclass(frozen=True)
class KnownModuli:
    """What is known of a crystal, GPa; None where nothing is.

    Attributes:
        bulk: the newest K after Hill.
        bulk_voigt: K after Voigt, where that is newer than any K after Hill.
        shear: the newest G after Hill.
        bulk_agreement: whether K of another time agrees; ``"single"`` where there is none.
        shear_agreement: the same of G; that of K where there is one G alone, as K and G of one
            time are of one calculation.
    """

    bulk: float | None
    bulk_voigt: float | None
    shear: float | None
    bulk_agreement: Agreement
    shear_agreement: Agreement

    def to_dict(self) -> dict[str, float | str]:
        """Return what is known, by the names of the fields."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def known_moduli(
    record: Mapping[str, Any], vintages: Sequence[Vintage] = VINTAGES
) -> KnownModuli | None:
    """Return the newest moduli of a record and whether the others agree; None when it has none.

    >>> known_moduli({"K_VRH_mp2025": 100, "K_VRH_matbench": 120, "G_VRH_matbench": 40}).to_dict()
    {'bulk': 100.0, 'shear': 40.0, 'bulk_agreement': 'differ', 'shear_agreement': 'differ'}

    Args:
        record: values under the keys of the vintages; numbers not above 0 count as absent.
        vintages: the newest first.
    """
    bulk = [
        (hill, None if hill else _first(record, vintage.bulk_voigt))
        for vintage in vintages
        for hill in [_first(record, vintage.bulk)]
    ]
    bulk = [pair for pair in bulk if any(pair)]
    shear = [value for vintage in vintages if (value := _first(record, vintage.shear))]
    if not bulk and not shear:
        return None
    of_bulk = _agreement([hill or voigt or 0.0 for hill, voigt in bulk])
    return KnownModuli(
        *(bulk[0] if bulk else (None, None)),
        shear[0] if shear else None,
        of_bulk,
        _agreement(shear) if len(shear) > 1 else of_bulk,
    )


def _agreement(values: Sequence[float]) -> Agreement:
    """Return whether values of different times agree, the newest first."""
    if len(values) < 2:
        return "single"
    gaps = [abs(value / values[0] - 1) for value in values[1:]]
    return "differ" if max(gaps) > AGREEMENT else "agree"


def _first(record: Mapping[str, Any], keys: Iterable[str]) -> float | None:
    """Return the first positive number under these keys."""
    for key in keys:
        value = record.get(key)
        if value is not None and np.isfinite(float(value)) and float(value) > 0:
            return float(value)
    return None


def with_moduli(
    stiffness: Floats, shear: float, *, bulk: float | None = None, bulk_voigt: float | None = None
) -> Floats | None:
    """Return a stiffness whose moduli are given ones, as near as can be to the one given.

    ``C' = s C + b E`` with ``E`` one in the upper left 3x3 block: K_V, K_R and K are then
    ``s K + b`` and G_V is ``s G_V``, exactly, so that b follows from s and only
    ``G(C') = shear`` is left to solve. The anisotropy of the compression ``C : E`` and of the rest
    scales as a whole; point group and frame stay.

    >>> import numpy as np
    >>> cubic = np.diag([100.0, 100, 100, 60, 60, 60])
    >>> cubic[:3, :3] += 60 * (1 - np.eye(3))
    >>> changed = with_moduli(cubic, 50.0, bulk=80.0)
    >>> m = elasticity.moduli(changed)
    >>> round(float(m.bulk_hill), 6), round(float(m.shear_hill), 6)
    (80.0, 50.0)

    Args:
        stiffness: positive definite Voigt matrix, GPa, shape ``(6, 6)``.
        shear: G after Hill, GPa.
        bulk: K after Hill, GPa.
        bulk_voigt: K after Voigt, GPa, in place of `bulk`.

    Returns:
        The stiffness, GPa, shape ``(6, 6)``; None when no positive definite one of this kind has
        these moduli.

    Raises:
        ValueError: when not exactly one of `bulk` and `bulk_voigt` is given.
    """
    if (bulk is None) == (bulk_voigt is None):
        raise ValueError("give bulk or bulk_voigt, one of them")
    before = elasticity.moduli(stiffness)
    wanted = bulk_voigt if bulk is None else bulk
    assert wanted is not None
    has = float(before.bulk_voigt if bulk is None else before.bulk_hill)
    block = np.zeros((6, 6))
    block[:3, :3] = 1.0
    scale = shear / float(before.shear_hill)
    for _ in range(ITERATIONS):
        changed: Floats = scale * stiffness + (wanted - scale * has) * block
        if not elasticity.is_stable(changed):
            return None
        ratio = shear / float(elasticity.moduli(changed).shear_hill)
        if abs(ratio - 1) < 1e-10:
            return changed
        scale *= ratio
    return None


def merge(files: Sequence[str | Path], output: str | Path) -> Counter[str]:
    """Write the moduli of the crystals of several files, one record for each identifier.

    A record has the structure of the first file that holds the crystal, and what `known_moduli`
    says of it. Reserved crystals are left out.

    Args:
        files: .json, .json.gz or .jsonl, records with ``id``, ``formula``, a structure and moduli.
        output: .json or .json.gz.

    Returns:
        How many were written, by the agreement of K, and left out.

    Raises:
        DatasetError: when a file cannot be read.
        natural_tensors.files.saving.FileError: when the output cannot be written.
    """
    joined: dict[str, dict[str, Any]] = {}
    for path in files:
        for record in records_of(path):
            first = joined.setdefault(record["id"], dict(record))
            for key in record.keys() - STRUCTURE_KEYS:  # one structure, not parts of two
                first.setdefault(key, record[key])
    counts: Counter[str] = Counter()
    rows = []
    for record in joined.values():
        known = known_moduli(record)
        if known is None:
            counts["no moduli"] += 1
        elif split_of(record["formula"]) == "reserved":
            counts["reserved"] += 1
        else:
            counts[known.bulk_agreement] += 1
            rows.append(_kept(record) | known.to_dict())
    write_records(output, rows)
    return counts


def correct(files: Sequence[str | Path], moduli: str | Path, output: str | Path) -> Counter[str]:
    """Write computed tensors with their moduli set to known ones.

    Left out are tensors marked ``unstable`` or not positive definite, crystals whose moduli are not
    known, and those whose own K or G is farther from the known one than `BULK_TOLERANCE` and
    `SHEAR_TOLERANCE`, where the potential has missed more than the size.

    Args:
        files: .json, .json.gz or .jsonl, records with ``id``, ``formula``, a structure and ``C``,
            the upper triangle of the Voigt matrix row by row, GPa.
        moduli: as `merge` writes it.
        output: .json or .json.gz; records gain what `merge` says of the crystal.

    Returns:
        How many were written, `CORRECTED`, and left out.

    Raises:
        DatasetError: when a file cannot be read.
        natural_tensors.files.saving.FileError: when the output cannot be written.
    """
    known = {record["id"]: record for record in records_of(moduli)}
    counts: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    for path in files:
        for record in records_of(path):
            if record["id"] in rows:
                continue
            reason, stiffness = _corrected(record, known.get(record["id"], {}))
            counts[reason] += 1
            if stiffness is not None:
                given = known[record["id"]]
                rows[record["id"]] = (
                    _kept(record)
                    | {"C": np.round(stiffness[np.triu_indices(6)], 3).tolist()}
                    | {
                        part.name: given[part.name]
                        for part in fields(KnownModuli)
                        if part.name in given
                    }
                )
    write_records(output, [*rows.values()])
    return counts


def stiffness_of(record: Mapping[str, Any]) -> Floats:
    """Return the Voigt matrix of a record, which holds its upper triangle as ``C``, row by row."""
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6)] = record["C"]
    return np.asarray(upper + np.triu(upper, 1).T, dtype=np.float64)


def _corrected(record: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, Floats | None]:
    """Return what became of a tensor, and the corrected one where there is one."""
    if "C" not in record:
        return "no tensor", None
    if split_of(record["formula"]) == "reserved":
        return "reserved", None
    given = {name: float(known[name]) for name in ("bulk", "bulk_voigt") if name in known}
    if not given or "shear" not in known:
        return "no moduli", None
    shear = float(known["shear"])
    stiffness = stiffness_of(record)
    if record.get("unstable") or not elasticity.is_stable(stiffness):
        return "unstable", None
    own = elasticity.moduli(stiffness)
    if "bulk" in given:
        gap = abs(float(own.bulk_hill) / given["bulk"] - 1)
    else:
        gap = abs(float(own.bulk_voigt) / given["bulk_voigt"] - 1)
    if gap > BULK_TOLERANCE or abs(float(own.shear_hill) / shear - 1) > SHEAR_TOLERANCE:
        return "too far", None
    changed = with_moduli(stiffness, shear, **given)
    return ("no such tensor" if changed is None else CORRECTED), changed


NOTES = frozenset({"id", "formula", "split", "spacegroup"})
"""What stays of a record beside its structure."""


def _kept(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in record if key in STRUCTURE_KEYS | NOTES}
