"""Potentials as files that PyTorch alone runs: torch.export programs, or compiled ones.

A potential is exported as a function of plain tensors: atomic numbers, the two ends of all bonds
and the bond vectors, to energies of the atoms and their gradient by the vectors. The gradient is
traced into the graph first, since an exported program is not differentiated again.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.files.saving import make_folder

from ..network.batch import Batch, collate
from ..network.layers.modules import Modules
from ..network.model import CarNet
from ..potentials.derivatives import energy_and_derivatives
from ..prediction.predictor import Predictor
from ..structures.graph import Graph
from .exported import FORMAT, METADATA, Exported, ExportError, load_exported

__all__ = ["ExportError", "Exported", "export", "load_exported"]

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
"""How far, of the larger of 1 and the largest value, a program may be from the network."""


@dataclass(frozen=True, eq=False)
class _Bonded(Batch):
    """Atoms whose bond vectors are given, each atom a system of its own: sums are of atoms.

    Attributes:
        given: the bond vectors, shape ``(edges, 3)``.
    """

    given: Tensor

    @property
    def graphs(self) -> int:
        """Number of atoms, free where a graph is traced."""
        atoms: int = self.counts.shape[0]
        return atoms

    def vectors(self) -> Tensor:
        """Return the vectors that were given."""
        return self.given


class _Potential(nn.Module):
    """Mean energies of the atoms, and their gradient by the bond vectors.

    Args:
        models: networks with an energy, generated kernels in PyTorch.
    """

    def __init__(self, models: Sequence[CarNet]) -> None:
        super().__init__()
        self.models = Modules[CarNet](models)

    def forward(
        self, numbers: Tensor, senders: Tensor, receivers: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return energies ``(atoms,)``, float64, and gradients ``(edges, 3)``."""
        vectors = vectors.detach().requires_grad_()
        atoms = numbers.shape[0]
        batch = _Bonded(
            numbers=numbers,
            positions=vectors.new_zeros((atoms, 3)),
            cells=vectors.new_zeros((atoms, 3, 3)),
            senders=senders,
            receivers=receivers,
            shifts=torch.zeros_like(vectors),
            owners=torch.arange(atoms, device=numbers.device),
            counts=torch.ones_like(numbers),
            given=vectors,
        )
        with torch.enable_grad():
            energies = torch.stack([_energies(model, batch) for model in self.models]).mean(dim=0)
            (gradient,) = torch.autograd.grad(energies.sum(), [vectors], materialize_grads=True)
        return energies.detach(), gradient


def _energies(model: CarNet, batch: Batch) -> Tensor:
    """Return the energies of systems, float64, shape ``(systems,)``."""
    target = model.potential
    assert target is not None
    return model.learned(batch)[target.key].squeeze(-1)


def export(model: CarNet | Predictor, path: str | Path, *, aot: bool = False) -> Exported:
    """Write a potential to one file, and return it as it is read back.

    The file holds the function, its weights and a description (cutoff, elements, units, version);
    the data type is that of the model. What comes out is compared with the network on structures
    of other sizes than the traced one before the file is kept.

    Args:
        model: a network with an energy, or an ensemble of such, exported as its mean.
        path: of the file, ``.pt2``; replaced when it is there.
        aot: compile it for this processor (AOTInductor): loads at once and runs faster, holds
            machine code, and takes minutes and a C++ compiler.

    Raises:
        ExportError: when the model has no energy, the suffix is another one, compilation fails, or
            the program does not compute what the network does.
        FileError: when there can be no such file.
    """
    place = Path(path)
    if place.suffix != ".pt2":
        raise ExportError(f"{place}: an exported potential ends in .pt2: name it so")
    make_folder(place.parent)
    models, elements = _networks(model)
    dtype = next(models[0].parameters()).dtype
    metadata = _metadata(models[0], elements, dtype, len(models), aot)
    potential = _Potential(models)
    known = elements or [6, 8, 14]
    program = _traced(potential, _inputs(_sample(known, 4, models[0].settings.cutoff), dtype))
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.stem}.") as folder:
        fresh = str(Path(folder) / place.name)
        if aot:
            _compile(program, fresh, metadata)
        else:
            program.example_inputs = None  # the one thing in the file that would be a pickle
            torch.export.save(program, fresh, extra_files={METADATA: json.dumps(metadata)})
        written = load_exported(fresh, trusted=True)  # what was compiled here
        for atoms in (1, 3, 7):
            _compare(written, models, _sample(known, atoms, written.cutoff), dtype)
        os.replace(fresh, place)
    return written


def _networks(model: CarNet | Predictor) -> tuple[list[CarNet], list[int]]:
    """Return copies of the networks on their generated PyTorch, and the elements known."""
    if isinstance(model, Predictor):
        given = list(model.models)
        elements = sorted(int(number) for number in model.record.get("elements") or ())
    else:
        given, elements = [model], []
    models = []
    for network in given:
        if network.potential is None:
            raise ExportError(
                "an exported potential needs a scalar summed over the atoms, such as energy; this "
                "network has none: train one with the target energy"
            )
        copied = copy.deepcopy(network).cpu().eval().requires_grad_(False)
        for layer in copied.interactions:
            # C++ kernels and tables have no graph: what they were made of has
            layer.convolve, layer.table = layer.kernel.convolve, None
            layer.multiply = layer.product.product if layer.product else None
        models.append(copied)
    return models, elements


def _metadata(
    model: CarNet, elements: Sequence[int], dtype: torch.dtype, members: int, aot: bool
) -> dict[str, Any]:
    target = model.potential
    assert target is not None
    return {
        "format": FORMAT,
        "version": __version__,
        "torch": str(torch.__version__),
        "conventions": CONVENTIONS,
        "target": {"tensor": target.tensor, "pooling": target.pooling},
        "unit": target.unit,
        "length": "angstrom",
        "cutoff": float(model.settings.cutoff),
        "layers": int(model.settings.layers),
        "members": members,
        "elements": list(elements),
        "symbols": [chemical_symbols[number] for number in elements],
        "dtype": str(dtype).removeprefix("torch."),
        "device": "cpu",
        "compiled": aot,
        "inputs": ["numbers", "senders", "receivers", "vectors"],
        "outputs": ["energies", "gradient"],
    }


# --- tracing --------------------------------------------------------------------------------------


def _traced(potential: _Potential, inputs: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    """Return the program of energies and gradients for any number of atoms and bonds."""
    atoms, edges = torch.export.Dim("atoms"), torch.export.Dim("edges")
    shapes = ({0: atoms}, {0: edges}, {0: edges}, {0: edges})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch about itself, while it traces
        graph = make_fx(potential, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*inputs)
        for node in graph.graph.find_nodes(
            op="call_function", target=torch.ops.aten.detach.default
        ):
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
        graph.recompile()
        return torch.export.export(graph, inputs, dynamic_shapes=shapes, strict=False)


def _compile(program: torch.export.ExportedProgram, path: str, metadata: dict[str, Any]) -> None:
    from torch._inductor import aoti_compile_and_package

    options = {"aot_inductor.metadata": {"carnet": json.dumps(metadata)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            aoti_compile_and_package(program, package_path=path, inductor_configs=options)
        except Exception as error:  # the compiler's own kinds are many and private
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ExportError(
                f"compiling failed: {reason[0][:300]}; install g++, or export without --aot"
            ) from error


# --- what is traced and compared -----------------------------------------------------------------


def _sample(elements: Sequence[int], atoms: int, cutoff: float) -> Graph:
    """Return a crystal of this many atoms with a few bonds each, no two alike."""
    draw = np.random.default_rng(atoms)
    edge = 0.6 * cutoff
    cell = np.diag([edge * atoms, edge, edge]) + draw.normal(scale=0.02 * edge, size=(3, 3))
    places = (np.arange(atoms)[:, None] / atoms) * [1, 0, 0] + draw.uniform(0, 0.1, (atoms, 3))
    positions = places @ cell
    images = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    receivers, senders, rows = np.meshgrid(
        np.arange(atoms), np.arange(atoms), np.arange(len(images)), indexing="ij"
    )
    pairs = receivers.ravel(), senders.ravel(), images[rows.ravel()]
    vectors = positions[pairs[1]] + pairs[2] @ cell - positions[pairs[0]]
    lengths = np.linalg.norm(vectors, axis=1)
    kept = (lengths < cutoff) & (lengths > 0)
    return Graph(
        numbers=np.array([elements[n % len(elements)] for n in range(atoms)], dtype=np.int64),
        positions=positions,
        cell=cell,
        senders=pairs[1][kept].astype(np.int64),
        receivers=pairs[0][kept].astype(np.int64),
        shifts=pairs[2][kept].astype(np.int64),
    )


def _inputs(graph: Graph, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    batch = collate([graph], dtype)
    return batch.numbers, batch.senders, batch.receivers, batch.vectors()


def _compare(
    potential: Exported, models: Sequence[CarNet], graph: Graph, dtype: torch.dtype
) -> None:
    """Hold a file against the networks.

    Raises:
        ExportError: when it says something else.
    """
    batch = collate([graph], dtype)
    answers = [energy_and_derivatives(model, batch) for model in models]
    result = potential(*_inputs(graph, dtype))
    pairs = {
        "energy": (
            result.energy(batch.owners, 1),
            torch.stack([answer.energy for answer in answers]).mean(dim=0),
        ),
        "forces": (
            result.forces(batch.senders, batch.receivers),
            torch.stack([answer.forces for answer in answers]).mean(dim=0),
        ),
    }
    for name, (value, expected) in pairs.items():
        bound = TOLERANCE[dtype] * max(1.0, float(expected.abs().max()))
        error = float((value - expected).abs().max())
        if not error <= bound:
            raise ExportError(
                f"the exported {name} of {graph.atoms} atoms is off by {error:.3g}; allowed: "
                f"{bound:.3g}; report it, with the model"
            )
