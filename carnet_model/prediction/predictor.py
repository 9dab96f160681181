"""From structures to tensors: trained networks, applied to what users have.

    import carnet_model
    model = carnet_model.load("elastic")
    result = model.predict("si.cif")
    print(result.stiffness)

Nothing heavy is imported before it is needed: the command line answers ``--help`` at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from natural_tensors import Frame
from natural_tensors.arrays import Floats
from natural_tensors.formatting import did_you_mean

from ..compiled.mode import Mode
from ..cpp.files import Precision
from ..data.fingerprints import Fingerprints
from ..inference.choice import for_work, open_checkpoint
from ..inference.networks import Networks, check_precision
from ..network.targets import Target
from ..structures.geometry import Geometry, GeometryError
from ..structures.graph import Graph, build
from ..structures.symmetry import FrameName, frame_of, rotated
from ..weights.shipped import ModelError, checkpoint_of, shipped
from . import intervals
from .domain import Domain, known_crystal
from .inputs import is_one, read
from .progress import progress_bar
from .result import Failure, Prediction, PredictionError, symmetric_voigt
from .signs import of_one_sign, sign_unknown

if TYPE_CHECKING:  # it loads PyTorch
    from ..network.model import CarNet


EDGES = 40_000
"""Directed bonds that pass through the network at once, unless one structure has more."""

ALONE = "try it alone, with --batch 1"
"""What helps where several structures together are too much."""

HIGH_SPREAD = 0.3
"""Relative uncertainty of a tensor above which a prediction carries a warning."""


def load(
    name: str | Path = "elastic",
    *,
    target: str | None = None,
    precision: Precision = "single",
    program: Mode = "auto",
) -> Predictor:
    """Return trained networks, ready to predict.

    Args:
        name: a name that :func:`shipped` lists, or the folder of a checkpoint.
        target: which tensor of a network that predicts several; the first when left out.
        precision: ``"single"`` computes in float32, ``"double"`` in float64.
        program: ``"auto"`` runs the C++ program where it is built (``carnet build``), PyTorch
            elsewhere; ``"always"`` builds it now if need be; ``"never"`` is PyTorch.

    Raises:
        ModelError: when there is no such model, or it has no such target; the message lists them.
        ProgramError: with ``"always"``, when the program cannot be built.
    """
    check_precision(precision)
    networks, record, seen = open_checkpoint(found(name), precision, program)
    return Predictor(
        networks, record=record, seen=seen, name=str(name), target=target, precision=precision
    )


def found(name: str | Path) -> Path:
    """Return the folder of a model.

    Args:
        name: as in `load`.

    Raises:
        ModelError: when there is no such model; the message lists them.
    """
    folder = checkpoint_of(name)
    if folder is None:
        raise ModelError(
            f"there is no model {str(name)!r}{did_you_mean(str(name), shipped())}\n"
            f"with the package come: {', '.join(shipped()) or 'none in this installation'}\n"
            "or give the folder of a checkpoint, which holds model.json and weights.safetensors"
        )
    return folder


@dataclass(frozen=True, eq=False)
class _Job:
    """A structure that is ready for the network."""

    place: int
    structure: Geometry
    frame: Frame
    graph: Graph
    warnings: tuple[str, ...]
    known: str | None
    strangeness: float | None


class Predictor:
    """An ensemble of networks that predict one tensor.

    The prediction is the mean of the tensors of all members, in the unit of the target, so a mean
    of positive definite tensors stays so; its uncertainty follows from their spread (`intervals`).
    Where the training knew no sign of its labels, members are given one first (`signs`).

    Args:
        models: `CarNet` modules with the same targets and cutoff, of which copies are made; or
            networks that `inference` opened.
        record: what is known about them (`checkpoint`): the keys read are ``elements``,
            ``closest``, the shortest distances between them, and ``intervals``, how large errors
            are (`evaluation.calibration` finds it).
        seen: fingerprints of the training structures.
        name: what messages call it.
        target: key of the tensor that is predicted; the first of the networks' when left out.
        precision: ``"single"`` or ``"double"``.

    Attributes:
        networks: what computes; a C++ program or PyTorch.

    Raises:
        ModelError: without models, or when they do not fit together.
    """

    def __init__(
        self,
        models: Sequence[CarNet] | Networks,
        *,
        record: Mapping[str, Any] | None = None,
        seen: Fingerprints | None = None,
        name: str = "",
        target: str | None = None,
        precision: Precision = "single",
    ) -> None:
        check_precision(precision)
        self.networks: Networks = (
            _copies(models, precision) if isinstance(models, Sequence) else models
        )
        self.targets: tuple[Target, ...] = self.networks.targets
        known = {each.key: each for each in self.targets}
        if target is not None and target not in known:
            raise ModelError(
                f"{name or 'this network'} does not predict {target!r}; it predicts "
                f"{', '.join(known)}"
            )
        self.target: Target = self.targets[0] if target is None else known[target]
        self.cutoff = self.networks.cutoff
        self.record = MappingProxyType(dict(record or {}))
        self.unit = self.target.unit
        self.seen = seen
        self.name = name
        self.precision: Precision = precision
        # they were measured on the first target (`carnet join`)
        first = self.target == self.targets[0]
        self._errors = intervals.from_record(self.record) if first else {}
        self._sign_unknown = sign_unknown(self.record, self.target.key)
        self._needs_volume = self.target.pooling == "mean" and self.networks.needs_volume
        self.domain = Domain.of(
            self.record.get("elements") or (),
            seen,
            self._needs_volume,
            self.record.get("closest"),
        )

    @property
    def models(self) -> tuple[CarNet, ...]:
        """The networks as modules of PyTorch, which may be loaded now."""
        return self.networks.models

    @property
    def title(self) -> str:
        """Name and size of the ensemble, as in ``"elastic, 3 networks"``."""
        return f"{self.name}, {self._networks}" if self.name else self._networks

    @property
    def _networks(self) -> str:
        count = self.networks.count
        return "1 network" if count == 1 else f"{count} networks"

    def __repr__(self) -> str:
        known = f", {len(self.domain.elements)} elements" if self.domain.elements else ""
        unit = f" in {self.unit}" if self.unit else ""
        return (
            f"Predictor({self.target.key}{unit}, {self._networks}{known}, "
            f"{self.precision} precision)"
        )

    # one in, one out or an error; many in, as many out

    @overload
    def predict(
        self,
        structures: list[Any] | tuple[Any, ...] | Iterator[Any],
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        progress: bool = False,
        anyway: bool = False,
    ) -> list[Prediction | Failure]: ...
    @overload
    def predict(
        self,
        structures: Any,
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        progress: bool = False,
        anyway: bool = False,
    ) -> Prediction: ...
    def predict(
        self,
        structures: Any,
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        progress: bool = False,
        anyway: bool = False,
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
            anyway: predict what would be refused as no crystal: molecules in a box, gases.

        Returns:
            One prediction for one structure; for several, a list in their order that holds a
            Failure for each one that cannot be predicted.

        Raises:
            PredictionError: when a single structure cannot be predicted.
        """
        if batch is not None and batch < 1:
            raise ValueError(f"batch is {batch}; allowed: 1 and more")
        alone = is_one(structures)
        entries = list(read([structures] if alone else structures))
        if alone and len(entries) != 1:
            raise PredictionError(
                Failure(
                    str(structures),
                    f"holds {len(entries)} structures",
                    "pass a list with the path in it, and take a list back",
                )
            )
        results: list[Prediction | Failure | None] = [None] * len(entries)
        with progress_bar(len(entries), progress) as advance:
            for place, result in self.predict_each(
                entries, frame=frame, batch=batch, anyway=anyway
            ):
                results[place] = result
                advance(1)
        found = [result for result in results if result is not None]
        if not alone:
            return found
        if isinstance(found[0], Failure):
            raise PredictionError(found[0])
        return found[0]

    def compile(self, mode: Mode = "auto") -> None:
        """Decide now whether kernels are compiled: predictions keep to it, whatever the work.

        Args:
            mode: ``"auto"`` compiles where a compiler is present, ``"never"`` does not.
        """
        self.networks.compile(mode)

    def predict_each(
        self,
        entries: Sequence[Geometry | Failure],
        *,
        frame: FrameName = "structure",
        batch: int | None = None,
        anyway: bool = False,
    ) -> Iterator[tuple[int, Prediction | Failure]]:
        """Yield the place of each structure and its result, as soon as it is known.

        What goes wrong with one structure, be it memory, costs none of the others.

        Args:
            entries: what `read` yields.
            frame: as in `predict`.
            batch: as in `predict`.
            anyway: as in `predict`.
        """
        self.networks = for_work(
            self.networks, [entry for entry in entries if isinstance(entry, Geometry)]
        )
        pending: list[_Job] = []
        edges = 0
        for place, entry in enumerate(entries):
            job: _Job | Failure
            try:
                job = (
                    entry if isinstance(entry, Failure) else self._job(place, entry, frame, anyway)
                )
            except GeometryError as error:
                job = Failure.of(error, entry.name)
            except Exception as error:  # of any library: the others go on
                job = Failure.unexpected(entry, error, ALONE)
            if isinstance(job, Failure):
                yield place, job.of_structure(entry)
                continue
            size = job.graph.edges
            full = len(pending) >= (batch or len(entries)) or edges + size > EDGES
            if pending and full:
                yield from self._results(pending)
                pending, edges = [], 0
            pending.append(job)
            edges += size
        yield from self._results(pending)

    def _results(self, jobs: Sequence[_Job]) -> Iterator[tuple[int, Prediction | Failure]]:
        """Yield places and results; when structures fail together, each is tried alone."""
        if not jobs:
            return
        try:
            found = self._together(jobs)
        except Exception as error:  # as above
            if len(jobs) == 1:
                found = [Failure.unexpected(jobs[0].structure, error, ALONE)]
            else:
                for job in jobs:
                    yield from self._results([job])
                return
        yield from ((job.place, result) for job, result in zip(jobs, found, strict=True))

    def _job(
        self, place: int, structure: Geometry, frame: FrameName, anyway: bool
    ) -> _Job | Failure:
        axes = frame_of(structure, frame)
        if frame != "structure":
            structure = rotated(structure, axes)
        unknown = self.domain.unknown(structure.numbers)
        if unknown:
            return Failure(
                structure.name,
                f"these weights do not know {', '.join(unknown)}",
                f"they know {self.domain.known}; other elements take other weights",
            )
        if self._needs_volume and not any(structure.periodic):
            return Failure(
                structure.name,
                "it repeats along no direction, and a crystal property needs the volume of a cell",
                "give the lattice vectors, and set pbc where the structure repeats",
            )
        with structure.searched(max(self.cutoff, self.domain.reach(structure))):
            graph = build(structure, self.cutoff, most="bonds")
            degrees = np.bincount(graph.receivers, minlength=len(structure))
            warnings = self.domain.warnings_for(structure, degrees)
            known, differences = self._known(structure)
            strange = self.domain.strangeness(structure, warnings)
        reason = "" if anyway else self.domain.refusal(warnings)
        if reason:
            return Failure(
                structure.name,
                f"it is made of {reason}",
                "a gas has no such tensor; --anyway (anyway=True) predicts it all the same",
            )
        if self._needs_volume and not abs(np.linalg.det(graph.cell)) > 0:
            return Failure(
                structure.name,
                f"it repeats along {sum(structure.periodic)} directions, and its cell has no "
                "volume",
                "give three lattice vectors; along a direction without repetition, the thickness",
            )
        return _Job(place, structure, axes, graph, (*warnings, *differences), known, strange)

    def _together(self, jobs: Sequence[_Job]) -> list[Prediction | Failure]:
        """Predict structures together."""
        key, per_atom = self.target.key, self.target.pooling == "atoms"
        response = self.networks.respond(
            [job.graph for job in jobs], [key], derivatives=self.target.potential
        )
        sizes = np.array([len(job.structure) for job in jobs])
        ends = np.cumsum(sizes)
        rows = ends[:-1] if per_atom else np.arange(1, len(jobs))
        shares = np.split(response.packed[key], rows, axis=1)
        results: list[Prediction | Failure] = []
        for place, (job, values) in enumerate(zip(jobs, shares, strict=True)):
            derivatives: dict[str, Floats] = {}
            if response.forces is not None and response.strain_derivatives is not None:
                atoms = slice(ends[place] - sizes[place], ends[place])
                derivatives["forces"] = response.forces[:, atoms].mean(axis=0)
                if job.structure.volume is not None:
                    strained = response.strain_derivatives[:, place].mean(axis=0)
                    derivatives["stress"] = strained / job.structure.volume
            members = values if per_atom else values[:, 0]
            if self._sign_unknown:
                members = of_one_sign(members, per_atom=per_atom)
            results.append(self._result(job, members, derivatives))
        return [
            result.of_structure(job.structure) if isinstance(result, Failure) else result
            for job, result in zip(jobs, results, strict=True)
        ]

    def _result(
        self, job: _Job, members: Floats, derivatives: Mapping[str, Floats]
    ) -> Prediction | Failure:
        """Return the prediction of one structure from packed tensors, members first."""
        structure = job.structure
        if not np.isfinite(members).all():
            return Failure(
                structure.name,
                "the network returned a number that is not finite",
                "the structure is far from all it was trained on; check units and distances",
            )
        mean = members.mean(axis=0)
        uncertainty = self._uncertainty(members)
        warnings = list(job.warnings)
        # the zero of an energy is arbitrary, and so is a share of it
        share = uncertainty.get("relative", 0.0)
        if share > HIGH_SPREAD and not self.target.potential:
            warnings.append(f"the tensor is uncertain by {100 * share:.0f} %")
        return Prediction(
            structure=structure,
            frame=job.frame,
            target=self.target.key,
            unit=self.unit,
            tensor=np.asarray(self.target.reduction.unpack(mean), dtype=np.float64),
            uncertainty=MappingProxyType(uncertainty),
            warnings=tuple(warnings),
            known=job.known,
            strangeness=job.strangeness,
            per_atom=self.target.pooling == "atoms",
            model=self.title,
            reference=str(self.record.get("reference") or ""),
            forces=derivatives.get("forces"),
            stress=derivatives.get("stress"),
        )

    def _uncertainty(self, members: Floats) -> dict[str, Any]:
        """Return half the widths of intervals around the mean of packed tensors, members first."""
        if len(members) < 2:
            return {}
        tensors = np.asarray(self.target.reduction.unpack(members), dtype=np.float64)
        voigt = symmetric_voigt(tensors) if self.target.key == "elastic" else None
        return intervals.uncertainty(intervals.measures(members, tensors, voigt), self._errors)

    def _known(self, structure: Geometry) -> tuple[str | None, list[str]]:
        if self.seen is None or not any(structure.periodic):
            return None, []  # conformations of one molecule are too alike for a signature
        return known_crystal(self.seen.nearest(structure))


def _copies(models: Sequence[CarNet], precision: Precision) -> Networks:
    """Return networks to run by PyTorch.

    Raises:
        ModelError: without models, or when they do not fit together.
    """
    from ..inference.pytorch import TorchNetworks

    if not models:
        raise ModelError("an ensemble needs at least one network")
    kinds = {(model.targets, model.settings.cutoff) for model in models}
    if len(kinds) > 1:
        raise ModelError("the networks of an ensemble need the same targets and one cutoff")
    return TorchNetworks(models, precision)
