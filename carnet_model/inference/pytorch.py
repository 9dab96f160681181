"""Networks run by PyTorch: generated functions, or compiled kernels in their place."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codegen.compiled.toolchain import BuildError
from natural_tensors.arrays import Floats

from ..compiled.compilation import compile_kernels
from ..compiled.mode import Mode
from ..compiled.radial_tables import TableError, tabulate
from ..cpp.files import Precision
from ..network.batch import Batch, collate
from ..network.layers.interaction import Interaction
from ..network.model import CarNet
from ..potentials.derivatives import energy_and_derivatives
from ..structures.geometry import CLOSEST
from ..structures.graph import Graph
from .networks import Response, ResponseError, potential_of

DTYPES = {"single": torch.float32, "double": torch.float64}


class TorchNetworks:
    """Copies of networks, run by PyTorch; see :class:`.networks.Networks`.

    Args:
        models: with the same targets and cutoff.
        precision: what they are converted to.
        folder: the checkpoint they were read from, where there is one.

    Attributes:
        models: the copies.
        folder: as given.
        ready: whether it was decided if kernels are compiled.
        work_per_edge: radial weights that a bond takes in all layers of all networks.
    """

    def __init__(
        self, models: Sequence[CarNet], precision: Precision, folder: Path | None = None
    ) -> None:
        self.precision: Precision = precision
        self.folder = folder
        self.models = tuple(
            copy.deepcopy(model).to(DTYPES[precision]).eval().requires_grad_(False)
            for model in models
        )
        self.targets = self.models[0].targets
        self.cutoff = float(self.models[0].settings.cutoff)
        self.count = len(self.models)
        self.needs_volume = any(model.settings.volume for model in self.models)
        self.work_per_edge = float(
            sum(
                layer.kernel.paths * model.settings.channels
                for model in self.models
                for layer in model.interactions
                if isinstance(layer, Interaction)
            )
        )
        self.by_program = self.ready = False

    def copy(self) -> TorchNetworks:
        """Return copies of the copies."""
        other = TorchNetworks(self.models, self.precision, self.folder)
        other.ready = self.ready
        return other

    def compile(self, mode: Mode = "auto") -> str | None:
        """Compile the kernels, as `compile_kernels` does; return why not, None where done."""
        self.ready = True
        reasons = [compile_kernels(model, mode) for model in self.models]
        return next((reason for reason in reasons if reason), None)

    def tabulate(self, elements: Sequence[int]) -> None:
        """Read radial weights from tables."""
        try:
            for model in self.models:
                tabulate(model, sorted(elements), shortest=CLOSEST)
        except BuildError as error:
            raise ResponseError(f"no tables: {error}") from error

    def respond(
        self, graphs: Sequence[Graph], keys: Collection[str], *, derivatives: bool = False
    ) -> Response:
        """Compute what is asked of structures, all in one batch."""
        batch = collate(graphs, DTYPES[self.precision])
        try:
            if not derivatives:
                with torch.no_grad():
                    found = [model(batch) for model in self.models]
                return Response({key: _joined([each[key] for each in found]) for key in keys})
            return self._with_derivatives(batch, keys)
        except TableError as error:
            raise ResponseError(str(error)) from error

    def _with_derivatives(self, batch: Batch, keys: Collection[str]) -> Response:
        energy = potential_of(self.targets)
        assert energy is not None
        packed: dict[str, list[Tensor]] = {key: [] for key in keys}
        forces, strains = [], []
        for model in self.models:
            found = energy_and_derivatives(model, batch, stress=True)
            assert found.strain_derivative is not None  # it was asked for
            forces.append(found.forces)
            strains.append(found.strain_derivative)
            with torch.no_grad():
                tensors = model.assembled(dict(found.learned))
            tensors[energy.key] = found.energy.unsqueeze(-1)
            for key in keys:
                packed[key].append(tensors[key])
        return Response(
            {key: _joined(values) for key, values in packed.items()},
            _joined(forces),
            _joined(strains),
        )


def _joined(values: Sequence[Tensor]) -> Floats:
    """Return tensors as one array, members first."""
    arrays = [value.detach().double().numpy() for value in values]
    return np.stack(arrays).astype(np.float64)
