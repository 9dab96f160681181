"""Intervals around a prediction that hold 68 and 95 % of the errors of unseen compositions.

The spread of an ensemble ranks errors, yet is no standard deviation of them: errors have heavy
tails, and where the networks agree they may be wrong together. So the size of an error is modelled
as a product of powers of what is known when a prediction is made (`Measure`), and its 68 and 95 %
quantiles in units of that size are those of crystals that no network was trained on.
`carnet_model.evaluation.calibration` finds the numbers; a checkpoint carries them as ``intervals``.

>>> size = ErrorModel(0.0, (1.0, 0.0, 0.0), likely=2.0, sure=5.0)
>>> likely, sure = size.half_widths(Measure(spread=1.5, tensor_spread=4.0, size=100.0))
>>> float(likely), float(sure)
(3.0, 7.5)

Source: split conformal prediction with a locally weighted score: J. Lei et al. 2018, J. Am. Stat.
Assoc. 113, 1094, sec. 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

SHARES = (0.68, 0.95)
"""Shares of the errors that the two intervals hold."""

SYMMETRIC_ZERO = 1e-5
"""A component that spreads by less than this share of the tensor is zero by symmetry: no error."""

SURE = "_95"
"""Ending of the names of 95 % intervals."""

HILL = ("bulk", "shear", "youngs")
"""Moduli that have an uncertainty, a column, and a key of extended XYZ: their Hill averages."""


class Measure(NamedTuple):
    """What is known of the error of one quantity, or of several: numbers or arrays of one shape.

    Attributes:
        spread: standard deviation of the quantity over the ensemble.
        tensor_spread: that of the whole tensor, by its Frobenius norm.
        size: absolute value of the quantity; of components, the Frobenius norm of the tensor.
    """

    spread: Any
    tensor_spread: Any
    size: Any


@dataclass(frozen=True)
class ErrorModel:
    """How large errors of one quantity are.

    Attributes:
        constant: logarithm of the error where the logarithms of all measures are zero.
        powers: of `Measure`'s entries.
        likely: half the width of the 68 % interval in units of the modelled error.
        sure: of the 95 % interval; None where it was not found, as in formats 1 and 2.
    """

    constant: float
    powers: tuple[float, float, float]
    likely: float
    sure: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return what a record holds, of which `from_record` makes the model again."""
        return {
            "constant": round(self.constant, 5),
            "powers": [round(power, 5) for power in self.powers],
            "likely": round(self.likely, 5),
            "sure": None if self.sure is None else round(self.sure, 5),
        }

    def half_widths(self, measure: Measure) -> tuple[Any, Any]:
        """Return half the widths of both intervals, of the shape of the measures."""
        error = modelled_error(self.constant, self.powers, measure)
        return self.likely * error, None if self.sure is None else self.sure * error


def modelled_error(constant: float, powers: tuple[float, ...], measure: Measure) -> Any:
    """Return the product of powers of the measures; where nothing spreads, zero."""
    logarithms = sum(
        power * np.log(np.maximum(value, np.finfo(float).tiny))
        for power, value in zip(powers, measure, strict=True)
        if power
    )
    return np.where(np.asarray(measure.spread) > 0, np.exp(constant + logarithms), 0.0)[()]


def from_record(record: Mapping[str, Any]) -> dict[str, ErrorModel]:
    """Return the models of errors in the record of a checkpoint, by quantity."""
    return {
        name: ErrorModel(
            float(entry["constant"]),
            (float(entry["powers"][0]), float(entry["powers"][1]), float(entry["powers"][2])),
            float(entry["likely"]),
            None if entry["sure"] is None else float(entry["sure"]),
        )
        for name, entry in (record.get("intervals") or {}).items()
    }


def measures(packed: Floats, full: Floats, voigt: Floats | None) -> dict[str, Measure]:
    """Return what an ensemble says of the errors of its mean, by quantity.

    Args:
        packed: orthonormal coordinates of the tensor of each member, shape ``(members, ..., n)``.
        full: the tensors, members first.
        voigt: stiffnesses of the members, shape ``(members, 6, 6)``; None of other tensors.

    Returns:
        ``"relative"``, of the tensor as a whole, and ``"stiffness"`` with the moduli after Hill, or
        ``"tensor"``.
    """
    count = len(packed)
    mean = packed.mean(axis=0)
    size = float(np.linalg.norm(mean))
    distance = float(np.sqrt(((packed - mean) ** 2).sum() / (count - 1)))
    found = {"relative": Measure(distance, distance, size)}
    components = full if voigt is None else voigt
    each = components.std(axis=0, ddof=1)
    each = np.where(each > SYMMETRIC_ZERO * size, each, 0.0)
    found["tensor" if voigt is None else "stiffness"] = Measure(each, distance, size)
    if voigt is not None:
        moduli = elasticity.moduli(np.concatenate([voigt, voigt.mean(axis=0, keepdims=True)]))
        for name in HILL:
            *members, of_mean = getattr(moduli, f"{name}_hill")
            spread = float(np.std(members, ddof=1))
            found[name] = Measure(spread, distance, abs(float(of_mean)))
    return found


def uncertainty(found: Mapping[str, Measure], models: Mapping[str, ErrorModel]) -> dict[str, Any]:
    """Return half the widths of 68 % intervals by quantity, and of 95 % under ``NAME_95``.

    The spread itself, and nothing of 95 %, where no model of the error is known. ``"relative"`` is
    in units of the norm of the tensor.
    """
    result: dict[str, Any] = {}
    for name, measure in found.items():
        unit = 1.0
        if name == "relative":
            unit = measure.size if measure.size else float("nan")
        if name not in models:
            result[name] = measure.spread / unit
            continue
        likely, sure = models[name].half_widths(measure)
        result[name] = likely / unit
        if sure is not None:
            result[f"{name}{SURE}"] = sure / unit
    return result
