"""From structures to tensors: trained networks, applied to what users have.

    import carnet_model
    model = carnet_model.load("elastic")
    result = model.predict("si.cif")
    print(result.stiffness)

Nothing heavy is imported before it is needed: the command line answers ``--help`` at once.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from natural_tensors import CONVENTIONS, CrystalTensor, Frame, __version__, elasticity, to_voigt
from natural_tensors.elasticity import Moduli
from natural_tensors.plain import plain

from .crystals import FrameName, crystal_tensor, frame_of, turned
from .dataset import DUPLICATE, Fingerprints, signature
from .geometry import Geometry, GeometryError, geometry, read_geometries
from .targets import Target
from .units import EV_PER_A3

Floats = NDArray[np.float64]
Precision = Literal["single", "double"]
PRECISIONS: tuple[str, ...] = get_args(Precision)

WEIGHTS = Path(__file__).parent / "weights"
"""Where the weights that come with the package are, one folder for each name."""

EDGES = 40_000
"""Directed bonds that pass through the network at once, unless one structure has more."""

LARGEST = 1_000_000
"""Directed bonds of the largest structure that is tried."""

RARE = 10
"""An element in fewer training structures than this is remarked upon."""

VOLUME = 1.02
"""Factor beyond the range of volumes per atom that is not remarked upon."""

SHELL = 0.02
"""Share of the range of pair counts beyond it that is not remarked upon."""

COMPILE_FROM = 300
"""As many structures at once repay the compilation of the hot path."""

HIGH_SPREAD = 0.3
"""Relative spread of an ensemble above which a prediction is remarked upon."""

DIGITS = 1e-5
"""What is below this share of the largest entry is printed as 0 (never in files)."""


class ModelError(ValueError):
    """Weights that do not exist or cannot be used."""


class PredictionError(ValueError):
    """A structure without a prediction, asked for alone.

    Attributes:
        failure: what went wrong.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


# --- what comes out -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failure:
    """A structure of a list for which there is no prediction.

    Attributes:
        name: the file, entry or id.
        reason: why.
        remedy: what helps.
    """

    name: str
    reason: str
    remedy: str = ""

    @classmethod
    def of(cls, error: GeometryError, name: str) -> Failure:
        """Return what an unreadable structure says about itself.

        Args:
            error: its message is ``name: reason``, then lines of advice.
            name: used when the error has none.
        """
        first, *advice = str(error).splitlines() or ["cannot be read"]
        own = error.name or name
        for start in (own, "the structure"):
            first = first.removeprefix(f"{start}: ")
        return cls(own, first, "; ".join(line.strip() for line in advice))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {"name": self.name, "error": self.reason, "remedy": self.remedy}

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" + (f"\n{self.remedy}" if self.remedy else "")


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """The tensor of one structure, in the Cartesian axes of the lattice vectors beside it.

    Attributes:
        structure: what it is the tensor of, in the axes of `frame`.
        target: name or index symmetry of the tensor.
        unit: of the tensor; GPa for stiffness.
        tensor: all Cartesian components, shape ``(3,)*rank``; for a property of atoms
            ``(atoms,) + (3,)*rank``.
        uncertainty: spread of the ensemble as one standard deviation, empty for a single network.
            ``"relative"``: Frobenius norm of the spread over that of the tensor, the number to
            rank by. For stiffness also ``"stiffness"``, shape ``(6, 6)``, and ``"bulk"``,
            ``"shear"``, ``"youngs"`` of the Hill averages, all in GPa; otherwise ``"tensor"``, of
            the shape of the tensor.
        warnings: why this prediction deserves less trust than others.
        known: identifier of the training structure that this is, or nearly is.
        per_atom: whether the first axis of the tensor is that of the atoms.
        model: what computed it.
        forces: of an energy only: minus its gradient, eV/Å, shape ``(atoms, 3)``.
        stress: of an energy in three lattice vectors only: eV/Å^3, positive under tension, shape
            ``(3, 3)``.
    """

    structure: Geometry
    frame: Frame
    target: str
    unit: str
    tensor: Floats
    uncertainty: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    known: str | None = None
    per_atom: bool = False
    model: str = ""
    forces: Floats | None = None
    stress: Floats | None = None

    @property
    def name(self) -> str:
        """The file, entry or id; the formula when nothing is stated."""
        return self.structure.name or self.formula

    @property
    def formula(self) -> str:
        """Reduced formula."""
        return self.structure.formula

    @property
    def lattice(self) -> Floats:
        """Rows are the lattice vectors that define the frame, angstrom, shape ``(3, 3)``.

        Zero where nothing repeats.
        """
        return self.structure.cell

    @cached_property
    def stiffness(self) -> Floats | None:
        """Voigt matrix xx, yy, zz, yz, xz, xy without factors, GPa, shape ``(6, 6)``.

        None for other tensors than ``elastic``.
        """
        if self.target != "elastic":
            return None
        return _voigt(self.tensor)

    @cached_property
    def moduli(self) -> Moduli | None:
        """Averages of Voigt, Reuss and Hill and anisotropy; None unless a stiffness."""
        return None if self.stiffness is None else elasticity.moduli(self.stiffness)

    @cached_property
    def stable(self) -> bool | None:
        """Whether every homogeneous strain costs energy (Born); None unless a stiffness."""
        return None if self.stiffness is None else bool(elasticity.is_stable(self.stiffness))

    def crystal(self) -> CrystalTensor:
        """Return the tensor with its point group, density and standard axes.

        Raises:
            GeometryError: when the structure is no crystal.
        """
        back = Frame("structure", self.frame.rotation.T)
        known = f"{self.known} of the training set is this structure, or nearly"
        return crystal_tensor(
            turned(self.structure, back),
            self.target,
            self.tensor,
            unit=self.unit,
            frame=self.frame,
            source=self.model,
            uncertainty=self.uncertainty,
            notes=(*([known] if self.known else []), *self.warnings),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers for JSON; None where something does not exist."""
        tensor = (
            {"tensor": plain(self.tensor)}
            if self.stiffness is None or self.moduli is None
            else {
                "stiffness": plain(self.stiffness),
                "moduli": {
                    entry.name: plain(getattr(self.moduli, entry.name)) for entry in fields(Moduli)
                },
                "stable": self.stable,
            }
        )
        return {
            "name": self.name,
            "formula": self.formula,
            "target": self.target,
            "unit": self.unit,
            **tensor,
            **({} if self.forces is None else {"forces": plain(self.forces)}),
            **({} if self.stress is None else {"stress": plain(self.stress)}),
            "uncertainty": {key: plain(value) for key, value in self.uncertainty.items()} or None,
            "frame": {"name": self.frame.name, "rotation": plain(self.frame.rotation)},
            "lattice": plain(self.lattice),
            "known": self.known,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        if self.moduli is None:
            size = float(np.linalg.norm(self.tensor))
            return f"Prediction({self.name}: {self.formula}, {self.target}, |T| = {size:.4g})"
        return (
            f"Prediction({self.name}: {self.formula}, K = {self.moduli.bulk_hill:.1f} GPa, "
            f"G = {self.moduli.shear_hill:.1f} GPa)"
        )

    def __str__(self) -> str:
        title = self.formula if self.name in ("", self.formula) else f"{self.formula}  {self.name}"
        return "\n".join([title, *self.lines()])

    def lines(self) -> list[str]:
        """Return the text of a result, without its title."""
        body = self._tensor_lines() if self.stiffness is None else self._stiffness_lines()
        frame = [
            "",
            f"frame: {self.frame}; lattice vectors [Å]",
            *(
                f"  {axis} " + " ".join(f"{entry:z9.4f}" for entry in row)
                for axis, row in zip("abc", self.lattice, strict=True)
            ),
        ]
        known = [f"known: {self.known} of the training set is this structure, or nearly"]
        return [
            *body,
            *(frame if self.lattice.any() else []),
            *([""] if self.known or self.warnings else []),
            *(known if self.known else []),
            *(f"warning: {text}" for text in self.warnings),
        ]

    def _stiffness_lines(self) -> list[str]:
        assert self.stiffness is not None
        assert self.moduli is not None
        moduli = self.moduli
        lines = ["stiffness [GPa], Voigt order xx yy zz yz xz xy", *_matrix(self.stiffness), ""]
        for letter, name, words in (
            ("K", "bulk", "bulk modulus"),
            ("G", "shear", "shear modulus"),
            ("E", "youngs", "Young's modulus"),
        ):
            value = float(getattr(moduli, f"{name}_hill"))
            spread = self.uncertainty.get(name)
            doubt = f" ± {spread:.1f}" if spread is not None else ""
            bounds = ""
            if name != "youngs":
                low, high = getattr(moduli, f"{name}_reuss"), getattr(moduli, f"{name}_voigt")
                bounds = f", Reuss {low:.1f}, Voigt {high:.1f}"
            lines.append(f"{letter} = {value:.1f}{doubt} GPa  {words} (Hill{bounds})")
        lines += [
            f"ν = {moduli.poisson_hill:.3f}  Poisson's ratio",
            f"A = {moduli.universal_anisotropy:.3f}  universal anisotropy, 0 when isotropic",
            "mechanically stable" if self.stable else "NOT mechanically stable",
        ]
        if "relative" in self.uncertainty:
            share = self.uncertainty["relative"]
            lines.append(f"spread of the ensemble: {100 * share:.1f} % of the tensor")
        return lines

    def _energy_lines(self) -> list[str]:
        assert self.forces is not None
        energy, atoms = float(self.tensor), len(self.structure)
        spread = self.uncertainty.get("tensor")
        doubt = f" ± {float(spread):.4f}" if spread is not None else ""
        lines = [
            f"{self.target} = {energy:.6f}{doubt} {self.unit}, {energy / atoms:.6f} an atom",
            f"largest force {np.linalg.norm(self.forces, axis=1).max(initial=0):.4f} {self.unit}/Å",
        ]
        if self.stress is not None:
            stress = self.stress * EV_PER_A3
            lines += ["stress [GPa], positive under tension", *_matrix(stress)]
        return lines

    def _tensor_lines(self) -> list[str]:
        if self.forces is not None:
            return self._energy_lines()
        unit = "" if self.unit in ("", "1") else f" [{self.unit}]"
        shape = "x".join(map(str, self.tensor.shape)) or "1"
        lines = [f"{self.target}{unit}, {shape} components"]
        if self.tensor.ndim == 2:
            lines += _matrix(self.tensor)
        else:
            digits = int(np.clip(5 - np.log10(np.abs(self.tensor).max(initial=1e-9)), 0, 12))
            lines += str(np.round(self.tensor, digits) + 0.0).splitlines()
        if "relative" in self.uncertainty:
            share = self.uncertainty["relative"]
            lines += ["", f"spread of the ensemble: {100 * share:.1f} % of the tensor"]
        return lines


def _voigt(tensors: Floats) -> Floats:
    """Return stiffness matrices, exactly symmetric."""
    matrix = np.asarray(to_voigt(tensors), dtype=np.float64)
    return np.asarray((matrix + matrix.swapaxes(-1, -2)) / 2, dtype=np.float64)


def _matrix(values: Floats) -> list[str]:
    """Return rows of text; entries that are zero to the precision of the network are 0."""
    largest = float(np.abs(values).max(initial=0.0))
    shown = np.where(np.abs(values) < DIGITS * largest, 0.0, values)
    digits = 1 if not largest else int(np.clip(3 - np.floor(np.log10(largest)), 1, 8))
    cells = [[f"{entry:z.{digits}f}" if entry else "0" for entry in row] for row in shown]
    width = max(len(cell) for row in cells for cell in row) + 1
    return [" " + "".join(cell.rjust(width) for cell in row) for row in cells]


# --- what the weights know ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Domain:
    """Where the training set lies, as far as a structure can be told to be outside.

    Attributes:
        elements: atomic numbers that the weights know; empty when nothing is known.
        counts: number of training structures that hold an element, by symbol.
        low: least of each number of the training signatures (`dataset.signature`), shape ``(16,)``;
            None when they did not travel with the weights.
        high: the same, largest.
        crystals: whether the property is one of crystals, which need three directions and a volume.
    """

    elements: frozenset[int] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    low: Floats | None = None
    high: Floats | None = None
    crystals: bool = False

    @classmethod
    def of(cls, elements: Iterable[int], seen: Fingerprints | None, crystals: bool) -> Domain:
        """Describe a training set by its elements and the fingerprints of its structures."""
        known = frozenset(int(number) for number in elements)
        if seen is None or not len(seen):
            return cls(known, crystals=crystals)
        counts = Counter(
            symbol for formula in seen.formulas for symbol in set(_ELEMENT.findall(formula))
        )
        rows = np.asarray(seen.signatures, dtype=np.float64)
        return cls(known, counts, rows.min(axis=0), rows.max(axis=0), crystals)

    def unknown(self, numbers: NDArray[np.int64]) -> tuple[str, ...]:
        """Return the symbols of elements that the weights do not know."""
        if not self.elements:
            return ()
        present = np.unique(numbers).tolist()
        return tuple(_symbol(number) for number in present if number not in self.elements)

    @property
    def known(self) -> str:
        """Symbols of the elements that the weights know."""
        return " ".join(_symbol(number) for number in sorted(self.elements))

    def remarks(self, thing: Geometry, degrees: NDArray[np.int64]) -> list[str]:
        """Return what is unusual about a structure.

        Args:
            thing: the structure.
            degrees: number of neighbours of each atom, shape ``(atoms,)``.
        """
        found = []
        symbols = [_symbol(number) for number in np.unique(thing.numbers).tolist()]
        rare = [f"{name} ({self.counts[name]})" for name in symbols if name in self.counts]
        rare = [text for text in rare if self.counts[text.partition(" ")[0]] < RARE]
        if rare:
            found.append(f"few training structures hold {', '.join(rare)}")
        if self.crystals and not all(thing.periodic):
            found.append(
                f"it repeats along {sum(thing.periodic)} directions only, and this is a property "
                "of crystals"
            )
        lonely = np.flatnonzero(degrees == 0)
        if len(lonely):
            found.append(
                f"{len(lonely)} of {len(thing)} atoms have no neighbour within the cutoff, "
                f"the first is atom {lonely[0]} ({_symbol(int(thing.numbers[lonely[0]]))})"
            )
        return found + self._outside(thing)

    def _outside(self, thing: Geometry) -> list[str]:
        if self.low is None or self.high is None:
            return []
        numbers = signature(thing)
        found = []
        ends = np.exp([self.low[0], self.high[0]])
        volume = None if thing.volume is None else thing.volume / len(thing)
        if volume is not None and not ends[0] / VOLUME <= volume <= ends[1] * VOLUME:
            found.append(
                f"volume per atom {volume:.3g} Å^3 is outside {ends[0]:.3g} to {ends[1]:.3g} Å^3, "
                "the range of the training set"
            )
        shells = slice(1, 1 + (len(numbers) - 1) // 3)  # counts of all pairs, at five distances
        low, high, here = self.low[shells], self.high[shells], numbers[shells]
        beyond = np.maximum(here - high, low - here) - SHELL * (high - low)
        if (beyond > 0).any():
            where = int(np.argmax(beyond))
            words = "more" if here[where] > high[where] else "fewer"
            found.append(
                f"it has {words} pairs of atoms at some distance than any training structure "
                f"({here[where]:.2g} times an even distribution, there {low[where]:.2g} to "
                f"{high[where]:.2g})"
            )
        return found


_ELEMENT = re.compile(r"[A-Z][a-z]?")


@cache
def _symbol(number: int) -> str:
    from pymatgen.core import Element

    return str(Element.from_Z(number).symbol)


# --- the predictor --------------------------------------------------------------------------------


def shipped() -> tuple[str, ...]:
    """Return the names of the weights that come with the package."""
    return tuple(sorted(path.parent.name for path in WEIGHTS.glob("*/model.json")))


def load(
    name: str | Path = "elastic", *, target: str | None = None, precision: Precision = "single"
) -> Predictor:
    """Return trained networks, ready to predict.

    Args:
        name: a name that :func:`shipped` lists, or the folder of a checkpoint.
        target: which tensor of a network that predicts several; the first when left out.
        precision: ``"single"`` computes in float32, ``"double"`` in float64.

    Raises:
        ModelError: when there is no such model, or it has no such target; the message lists them.
    """
    from . import checkpoint

    folder = WEIGHTS / str(name) if str(name) in shipped() else Path(name)
    if not folder.is_dir():
        near = get_close_matches(str(name), shipped(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ModelError(
            f"there is no model {str(name)!r}{hint}\n"
            f"with the package come: {', '.join(shipped()) or 'none in this installation'}\n"
            "or give the folder of a checkpoint, which holds model.json and weights.safetensors"
        )
    stored = checkpoint.load(folder)
    return Predictor(
        stored.models,
        record=stored.record,
        seen=stored.fingerprints,
        name=str(name),
        target=target,
        precision=precision,
    )


@dataclass(frozen=True, eq=False)
class _Job:
    """A structure that is ready for the network."""

    place: int
    thing: Geometry
    frame: Frame
    graph: Any
    remarks: tuple[str, ...]


class Predictor:
    """An ensemble of networks that predict one tensor.

    The prediction is the mean of the tensors of all members, in the unit of the target, so a mean
    of positive definite tensors stays so; its uncertainty is their spread.

    Args:
        models: `CarNet` modules with the same targets and cutoff.
        record: what is known about them (`checkpoint`): the keys read are ``elements`` and
            ``spread_scale``, factors by key of the uncertainty that make the spread a standard
            deviation of the error (`evaluation` finds them).
        seen: fingerprints of the training structures.
        name: what messages call it.
        target: key of the tensor that is predicted; the first of the networks' when left out.
        precision: ``"single"`` or ``"double"``.

    Raises:
        ModelError: without models, or when they do not fit together.
    """

    def __init__(
        self,
        models: Sequence[Any],
        *,
        record: Mapping[str, Any] | None = None,
        seen: Fingerprints | None = None,
        name: str = "",
        target: str | None = None,
        precision: Precision = "single",
    ) -> None:
        import copy

        import torch

        if precision not in PRECISIONS:
            raise ModelError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
        if not models:
            raise ModelError("an ensemble needs at least one network")
        kinds = {(model.targets, model.settings.cutoff) for model in models}
        if len(kinds) > 1:
            raise ModelError("the networks of an ensemble need the same targets and one cutoff")
        self.targets: tuple[Target, ...] = models[0].targets
        known = {each.key: each for each in self.targets}
        if target is not None and target not in known:
            raise ModelError(
                f"{name or 'this network'} does not predict {target!r}; it predicts "
                f"{', '.join(known)}"
            )
        self.target: Target = self.targets[0] if target is None else known[target]
        self.cutoff = float(models[0].settings.cutoff)
        self.record = MappingProxyType(dict(record or {}))
        self.unit = self.target.unit
        self.seen = seen
        self.name = name
        self.precision: Precision = precision
        self._dtype = torch.float64 if precision == "double" else torch.float32
        # what `join` measured, on the first target
        first = self.target == self.targets[0]
        self._scales = dict(self.record.get("spread_scale") or {}) if first else {}
        self._needs_volume = self.target.pooling == "mean" and any(
            model.settings.volume for model in models
        )
        self.domain = Domain.of(self.record.get("elements") or (), seen, self._needs_volume)
        self.models = tuple(copy.deepcopy(model).to(self._dtype).eval() for model in models)

    @property
    def title(self) -> str:
        """Name and size of the ensemble, as in ``"elastic, 4 networks"``."""
        count = len(self.models)
        networks = "1 network" if count == 1 else f"{count} networks"
        return f"{self.name}, {networks}" if self.name else networks

    def __repr__(self) -> str:
        count = len(self.models)
        networks = "1 network" if count == 1 else f"{count} networks"
        known = f", {len(self.domain.elements)} elements" if self.domain.elements else ""
        unit = f" in {self.unit}" if self.unit else ""
        return f"Predictor({self.target.key}{unit}, {networks}{known}, {self.precision} precision)"

    # one in, one out or an error; many in, as many out

    @overload
    def predict(
        self,
        structures: list[Any] | tuple[Any, ...] | Iterator[Any],
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        progress: bool = False,
    ) -> list[Prediction | Failure]: ...
    @overload
    def predict(
        self,
        structures: Any,
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        progress: bool = False,
    ) -> Prediction: ...
    def predict(
        self,
        structures: Any,
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        progress: bool = False,
    ) -> Prediction | list[Prediction | Failure]:
        """Predict the tensors of structures.

        Args:
            structures: one structure, or a list, tuple or iterator of them: pymatgen Structure or
                Molecule, ase Atoms, Geometry, a dict of pymatgen or of this project, or the path
                of a file. In a list, a path stands for all structures of its file or folder.
            frame: the axes of the tensor: ``"structure"``, those of its lattice vectors;
                ``"canonical"``, which do not depend on how the lattice is described (rule 21);
                ``"ieee"``, as pymatgen chooses them.
            batch: most structures that pass through the network at once; otherwise as many as
                have `EDGES` bonds together. It does not change results beyond rounding.
            progress: show a progress bar on standard error.

        Returns:
            One prediction for one structure; for several, a list in their order that holds a
            Failure for each one that cannot be predicted.

        Raises:
            PredictionError: when a single structure cannot be predicted.
        """
        if batch is not None and batch < 1:
            raise ValueError(f"batch is {batch}; allowed: 1 and more")
        alone = _is_one(structures)
        entries = list(read([structures] if alone else structures))
        if alone and len(entries) != 1:
            raise PredictionError(
                Failure(
                    str(structures),
                    f"holds {len(entries)} structures",
                    "pass a list with the path in it, and take a list back",
                )
            )
        if len(entries) >= COMPILE_FROM:
            self._compile()
        results = self._predict(entries, frame, batch, progress)
        if not alone:
            return results
        if isinstance(results[0], Failure):
            raise PredictionError(results[0])
        return results[0]

    def _compile(self) -> None:
        """Compile the hot path where a compiler is present: same numbers to rounding."""
        from .compiling import compile_kernels

        for model in self.models:
            compile_kernels(model, "auto")

    def _predict(
        self,
        entries: Sequence[Geometry | Failure],
        frame: FrameName,
        batch: int | None,
        progress: bool,
    ) -> list[Prediction | Failure]:
        results: list[Prediction | Failure | None] = [None] * len(entries)
        pending: list[_Job] = []
        edges = 0
        with _progress(len(entries), progress) as advance:
            for place, entry in enumerate(entries):
                job = self._job(place, entry, frame) if isinstance(entry, Geometry) else entry
                if isinstance(job, Failure):
                    results[place] = job
                    advance(1)
                    continue
                size = job.graph.edges
                full = len(pending) >= (batch or len(entries)) or edges + size > EDGES
                if pending and full:
                    self._flush(pending, results)
                    advance(len(pending))
                    pending, edges = [], 0
                pending.append(job)
                edges += size
            if pending:
                self._flush(pending, results)
                advance(len(pending))
        return [result for result in results if result is not None]

    def _job(self, place: int, thing: Geometry, frame: FrameName) -> _Job | Failure:
        from .graph import build

        try:
            axes = frame_of(thing, frame)
        except GeometryError as error:
            return Failure.of(error, thing.name)
        if frame != "structure":
            thing = turned(thing, axes)
        unknown = self.domain.unknown(thing.numbers)
        if unknown:
            return Failure(
                thing.name,
                f"these weights do not know {', '.join(unknown)}",
                f"they know {self.domain.known}; other elements take other weights",
            )
        if self._needs_volume and not any(thing.periodic):
            return Failure(
                thing.name,
                "it repeats along no direction, and a crystal property needs the volume of a cell",
                "give the lattice vectors, and set pbc where the structure repeats",
            )
        graph = build(thing, self.cutoff)
        if self._needs_volume and not abs(np.linalg.det(graph.cell)) > 0:
            return Failure(
                thing.name,
                f"it repeats along {sum(thing.periodic)} directions, and its cell has no volume",
                "give three lattice vectors; along a direction without repetition, the thickness",
            )
        if graph.edges > LARGEST:
            return Failure(
                thing.name,
                f"its {len(thing)} atoms have {graph.edges} bonds within {self.cutoff:g} Å, more "
                f"than the {LARGEST} that are tried",
                "give the primitive cell of a crystal: it has the same tensor",
            )
        degrees = np.bincount(graph.receivers, minlength=len(thing))
        return _Job(place, thing, axes, graph, tuple(self.domain.remarks(thing, degrees)))

    def _flush(self, jobs: Sequence[_Job], results: list[Prediction | Failure | None]) -> None:
        packed, forces, by_strain = self._run([job.graph for job in jobs])
        per_atom = self.target.pooling == "atoms"
        sizes = np.array([len(job.thing) for job in jobs])
        ends = np.cumsum(sizes)
        rows = ends[:-1] if per_atom else np.arange(1, len(jobs))
        shares = np.split(packed, rows, axis=1)
        for place, (job, values) in enumerate(zip(jobs, shares, strict=True)):
            slopes: dict[str, Floats] = {}
            if forces is not None and by_strain is not None:
                slopes["forces"] = forces[ends[place] - sizes[place] : ends[place]]
                if job.thing.volume is not None:
                    slopes["stress"] = by_strain[place] / job.thing.volume
            results[job.place] = self._result(job, values if per_atom else values[:, 0], slopes)

    def _run(self, graphs: Sequence[Any]) -> tuple[Floats, Floats | None, Floats | None]:
        """Return packed coordinates, shape ``(members, systems, dimension)``, and slopes.

        For an energy these are forces and response to strain, the mean of all members.
        """
        import torch

        from .graph import collate
        from .potential import respond

        batch = collate(graphs, self._dtype)
        key = self.target.key
        if not self.target.potential:
            with torch.no_grad():
                found = [model(batch)[key] for model in self.models]
            return _doubles(found), None, None
        responses = [respond(model, batch, stress=True) for model in self.models]
        return (
            _doubles([response.energy.unsqueeze(-1) for response in responses]),
            _doubles([response.forces for response in responses]).mean(axis=0),
            _doubles([response.by_strain for response in responses]).mean(axis=0),
        )

    def _result(
        self, job: _Job, members: Floats, slopes: Mapping[str, Floats]
    ) -> Prediction | Failure:
        """Return the prediction of one structure from packed tensors, members first."""
        thing = job.thing
        if not np.isfinite(members).all():
            return Failure(
                thing.name,
                "the network returned a number that is not finite",
                "the structure is far from all it was trained on; check units and distances",
            )
        mean = members.mean(axis=0)
        spread = self._spread(members, mean)
        remarks = list(job.remarks)
        # the zero of an energy is arbitrary, and so is a share of it
        if spread.get("relative", 0.0) > HIGH_SPREAD and not self.target.potential:
            remarks.append(
                f"the networks disagree by {100 * spread['relative']:.0f} % of the tensor"
            )
        return Prediction(
            structure=thing,
            frame=job.frame,
            target=self.target.key,
            unit=self.unit,
            tensor=np.asarray(self.target.reduction.unpack(mean), dtype=np.float64),
            uncertainty=MappingProxyType(spread),
            warnings=tuple(remarks),
            known=self._known(thing),
            per_atom=self.target.pooling == "atoms",
            model=self.title,
            **slopes,
        )

    def _spread(self, members: Floats, mean: Floats) -> dict[str, Any]:
        if len(members) < 2:
            return {}
        # packed coordinates are orthonormal: their norm is the Frobenius norm
        size = float(np.linalg.norm(mean))
        distance = float(np.sqrt(((members - mean) ** 2).sum() / (len(members) - 1)))
        spread: dict[str, Any] = {"relative": distance / size if size else float("nan")}
        tensors = np.asarray(self.target.reduction.unpack(members), dtype=np.float64)
        if self.target.key == "elastic":
            stiffness = _voigt(tensors)
            moduli = elasticity.moduli(stiffness)
            spread["stiffness"] = stiffness.std(axis=0, ddof=1)
            for name in ("bulk", "shear", "youngs"):
                spread[name] = float(getattr(moduli, f"{name}_hill").std(ddof=1))
        else:
            spread["tensor"] = tensors.std(axis=0, ddof=1)
        return {key: value * float(self._scales.get(key, 1.0)) for key, value in spread.items()}

    def _known(self, thing: Geometry) -> str | None:
        if self.seen is None or not any(thing.periodic):
            return None  # conformations of one molecule are too alike for a signature
        found = self.seen.nearest(thing)
        return found[0] if found is not None and found[1] <= DUPLICATE else None


def _doubles(values: Sequence[Any]) -> Floats:
    """Return tensors as one array, members first."""
    return np.stack([value.double().numpy() for value in values]).astype(np.float64)


# --- what goes in ---------------------------------------------------------------------------------


def _is_one(structures: Any) -> bool:
    """Say whether an argument is one structure: those of pymatgen and ASE can be iterated too."""
    if isinstance(structures, Geometry | Mapping | str | Path):
        return True
    libraries = {kind.__module__.partition(".")[0] for kind in type(structures).__mro__}
    return bool(libraries & {"pymatgen", "ase"}) or not isinstance(structures, Iterable)


def read(structures: Iterable[Any]) -> Iterator[Geometry | Failure]:
    """Yield structures, or why one cannot be read; a path yields all its structures.

    Args:
        structures: as in `Predictor.predict`.
    """
    for place, thing in enumerate(structures):
        label = f"structure {place}"
        if isinstance(thing, Failure):
            yield thing
            continue
        if isinstance(thing, str | Path):
            try:
                found: list[Geometry | GeometryError] = read_geometries(thing)
            except GeometryError as error:
                found = [error]
            label = str(thing)
        else:
            try:
                found = [geometry(thing)]
            except GeometryError as error:
                found = [error]
        for entry in found:
            yield Failure.of(entry, label) if isinstance(entry, GeometryError) else entry


@contextmanager
def _progress(total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar, or nothing; yield how to advance it."""
    if not shown:
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("predicting", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


# --- files ----------------------------------------------------------------------------------------

VOIGT_PAIRS = tuple((i, j) for i in range(6) for j in range(i, 6))


def as_document(results: Sequence[Prediction | Failure], predictor: Predictor) -> dict[str, Any]:
    """Return results as an object for JSON: the model, then ``predictions``, one for each.

    A structure that failed has ``name``, ``error`` and ``remedy`` in its place.
    """
    return {
        "natural_tensors": __version__,
        "conventions": CONVENTIONS,
        "model": predictor.name,
        "networks": len(predictor.models),
        "class": predictor.target.key,
        "symmetry": predictor.target.symmetry,
        "unit": predictor.unit,
        "form": "voigt" if predictor.target.key == "elastic" else "full",
        "precision": predictor.precision,
        "predictions": [result.to_dict() for result in results],
    }


def as_csv(results: Sequence[Prediction | Failure]) -> str:
    """Return results as a table, one row for each; a failure fills the column ``error`` only.

    Stiffness: moduli after Hill (GPa), their spread where there is one, stability, C11 .. C66.
    An energy: its value, the largest force and the stress. Other tensors: a column for each
    component, named by its indices.
    """
    rows = [_row(result) for result in results]
    names = dict.fromkeys(name for row in rows for name in row)
    last = ("known", "warnings", "error")
    heads = [name for name in names if name not in last] + list(last)
    text = io.StringIO()
    writer = csv.DictWriter(text, heads, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(result: Prediction | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        reason = f"{result.reason}; {result.remedy}" if result.remedy else result.reason
        return {"name": result.name, "error": reason}
    row: dict[str, Any] = {"name": result.name, "formula": result.formula}
    if result.stiffness is not None and result.moduli is not None:
        for name in ("bulk", "shear", "youngs", "poisson"):
            row[name] = _number(getattr(result.moduli, f"{name}_hill"))
        row["universal_anisotropy"] = _number(result.moduli.universal_anisotropy)
        row["stable"] = str(result.stable).lower()
        for i, j in VOIGT_PAIRS:
            row[f"C{i + 1}{j + 1}"] = _number(result.stiffness[i, j])
    elif result.forces is not None:
        row[result.target] = f"{float(result.tensor):.12g}"
        row["largest_force"] = _number(np.linalg.norm(result.forces, axis=1).max(initial=0))
        if result.stress is not None:
            for i, j in np.ndindex(3, 3):
                row[f"stress_{'xyz'[i]}{'xyz'[j]}"] = _number(result.stress[i, j])
    else:
        for index in np.ndindex(result.tensor.shape):
            atom, axes = (str(index[0]), index[1:]) if result.per_atom else ("", index)
            row[f"T{atom}_" + "".join("xyz"[i] for i in axes)] = _number(result.tensor[index])
    for name in ("bulk", "shear", "youngs", "relative"):
        if name in result.uncertainty:
            row[f"{name}_spread"] = _number(result.uncertainty[name])
    return {**row, "known": result.known or "", "warnings": "; ".join(result.warnings)}


def _number(value: Any) -> str:
    """Return eight digits, more than single precision has; empty when there is no number."""
    return f"{float(value):.8g}" if np.isfinite(value) else ""


def as_extxyz(results: Sequence[Prediction | Failure]) -> str:
    """Return structures in extended XYZ with their tensors beside them; failures are left out.

    The remark line holds ``stiffness`` (Voigt, GPa) and ``bulk``, ``shear``, ``youngs`` (Hill),
    or ``tensor`` (full), as ASE reads them back into ``Atoms.info``; a tensor of atoms is a column;
    energy, forces and stress are where ASE's calculators have them.
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    text = io.StringIO()
    for result in results:
        if isinstance(result, Failure):
            continue
        thing = result.structure
        atoms = thing.to_ase()
        atoms.info["name"] = result.name
        if result.stiffness is not None and result.moduli is not None:
            atoms.info["stiffness"] = result.stiffness
            for name in ("bulk", "shear", "youngs"):
                atoms.info[name] = float(getattr(result.moduli, f"{name}_hill"))
        elif result.forces is not None:
            stress = {} if result.stress is None else {"stress": result.stress}
            atoms.calc = SinglePointCalculator(
                atoms, energy=float(result.tensor), forces=result.forces, **stress
            )
        elif result.per_atom:
            atoms.arrays["tensor"] = result.tensor.reshape(len(thing), -1)
        else:
            atoms.info["tensor"] = result.tensor
        if "relative" in result.uncertainty:
            atoms.info["relative_spread"] = float(result.uncertainty["relative"])
        write(text, atoms, format="extxyz")
    return text.getvalue()
