"""The elastic network in matcalc: a property calculator that asks no potential.

Any other property of matcalc takes `CarNetCalculator` as its calculator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from matcalc import PropCalc
from pymatgen.core.elasticity import ElasticTensor

from ..prediction.predictor import Predictor, load
from ..prediction.result import Prediction, PredictionError
from ..structures.units import EV_PER_A3
from ..weights.shipped import ModelError

TOGETHER = 256
"""Structures that `calc_many` hands to the network at once."""


class CarNetElasticityCalc(PropCalc):  # type: ignore[misc] # it states types, and is not read
    """Elastic tensors from structures alone, in the place of matcalc's ``ElasticityCalc``.

    Nothing is relaxed, strained or fitted: the network predicts the tensor at 0 K with relaxed
    ions, of the structure as it is given, in its Cartesian axes. The results have the keys and
    units of ``ElasticityCalc``, but for those that describe its fit.

    Args:
        model: a name of weights that come with the package, the folder of a checkpoint, or a
            `Predictor`.
        units_GPa: answer in GPa; otherwise in eV/Å^3, as matcalc does.

    Raises:
        ModelError: when there is no such model, or it predicts another tensor.
    """

    def __init__(
        self,
        model: str | Path | Predictor = "elastic",
        *,
        units_GPa: bool = False,  # noqa: N803 - matcalc's word
    ) -> None:
        self.predictor = model if isinstance(model, Predictor) else load(model)
        if self.predictor.target.key != "elastic":
            raise ModelError(
                f"{self.predictor.title}: predicts {self.predictor.target.key}; allowed: elastic\n"
                "a potential goes into matcalc's ElasticityCalc, as a CarNetCalculator"
            )
        self.units_GPa = units_GPa  # matcalc's word

    def __repr__(self) -> str:
        return f"CarNetElasticityCalc({self.predictor.title})"

    def calc(self, structure: Any) -> dict[str, Any]:
        """Return the elastic tensor of a structure, with moduli and their uncertainties.

        Args:
            structure: a Structure of pymatgen, Atoms of ASE, or what another calculator of matcalc
                returned: a dict with ``final_structure`` or ``structure``.

        Returns:
            What was given, and ``elastic_tensor`` (of pymatgen, shape ``(3, 3, 3, 3)``),
            ``bulk_modulus_vrh``, ``shear_modulus_vrh``, ``youngs_modulus``, ``structure``; beside
            them ``uncertainty``, half the widths of the intervals of `Prediction`, and
            ``warnings``. ``_units`` names the units.

        Raises:
            PredictionError: when it cannot be predicted.
            ValueError: for a dict without a structure.
        """
        given: dict[str, Any] = super().calc(structure)
        return given | self._answer(given, self.predictor.predict(given["final_structure"]))

    def calc_many(
        self,
        structures: Iterable[Any],
        n_jobs: int | None = None,
        allow_errors: bool = False,
        **_: Any,
    ) -> Iterator[dict[str, Any] | None]:
        """Yield what `calc` returns for each structure; many pass through the network together.

        Args:
            structures: as `calc` takes them.
            n_jobs: of no effect, like all else that is joblib's: batches are faster.
            allow_errors: yield None for what cannot be predicted.

        Raises:
            PredictionError: for the first of them, unless errors are allowed.
        """
        waiting = iter(structures)
        while several := list(islice(waiting, TOGETHER)):
            given = [super(CarNetElasticityCalc, self).calc(each) for each in several]
            results = self.predictor.predict([each["final_structure"] for each in given])
            for known, result in zip(given, results, strict=True):
                if isinstance(result, Prediction):
                    yield known | self._answer(known, result)
                elif allow_errors:
                    yield None
                else:
                    raise PredictionError(result)

    def _answer(self, given: Mapping[str, Any], result: Prediction) -> dict[str, Any]:
        """Return what is new about a structure."""
        assert result.moduli is not None
        size = 1.0 if self.units_GPa else 1 / EV_PER_A3
        unit = "GPa" if self.units_GPa else "eV/A^3"
        values = {
            "elastic_tensor": ElasticTensor(result.tensor) * size,
            "bulk_modulus_vrh": float(result.moduli.bulk_hill) * size,
            "shear_modulus_vrh": float(result.moduli.shear_hill) * size,
            "youngs_modulus": float(result.moduli.youngs_hill) * size,
            "uncertainty": {
                name: width if name.startswith("relative") else width * size
                for name, width in result.uncertainty.items()
            },
        }
        return values | {
            "warnings": result.warnings,
            "structure": given["final_structure"],
            "_units": {**given.get("_units", {}), **dict.fromkeys(values, unit)},
        }
