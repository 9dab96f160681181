"""Energy and forces of a rival package, timed on request in the rival's own environment.

Run as `python -m benchmarks.rivals.worker NAME case.json`, NAME a key of `BUILDERS`; the
environments are in `nequip.txt`, `mace.txt`, `tensornet.txt` and `chgnet.txt`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from .session import Network, Result, serve, stepping


def _atoms(case: dict[str, Any]) -> Any:
    import ase

    return ase.Atoms(
        numbers=case["numbers"], positions=case["positions"], cell=case["cell"], pbc=True
    )


def _frozen(model: torch.nn.Module) -> torch.nn.Module:
    return model.eval().requires_grad_(False)


def _nequip_model(case: dict[str, Any], symbols: list[str], mode: str) -> Any:
    """Build the network with the radial network NequIP defaults to: 8 Bessel functions, 128 hidden.

    `parity=False` keeps the features of parity (-1)^l only. The first layer reads scalars and the
    last one gives scalars, as NequIP has it. Embedded positions stay in float64, as NequIP's data
    do; the network is in float32.
    """
    from nequip.model import NequIPGNNModel

    return NequIPGNNModel(
        seed=0,
        model_dtype="float32",
        compile_mode=mode,
        type_names=symbols,
        r_max=case["cutoff"],
        num_layers=case["layers"],
        l_max=case["weight"],
        parity=False,
        num_features=case["channels"],
        avg_num_neighbors=case["neighbours"],
        per_type_energy_scales=1.0,
        per_type_energy_shifts=0.0,
    )


def _nequip_data(atoms: Any, cutoff: float, symbols: list[str]) -> dict[str, torch.Tensor]:
    from nequip.data import AtomicDataDict
    from nequip.data.ase import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform

    data = ChemicalSpeciesToAtomTypeMapper(symbols)(from_ase(atoms))
    graph = NeighborListTransform(cutoff)(data)
    batch: dict[str, torch.Tensor] = AtomicDataDict.batched_from_list([graph])
    return batch


def _nequip(case: dict[str, Any]) -> Network:
    from nequip.data import AtomicDataDict
    from nequip.utils.global_state import set_global_state

    set_global_state()
    atoms = _atoms(case)
    symbols = sorted(set(atoms.get_chemical_symbols()))
    data = _nequip_data(atoms, case["cutoff"], symbols)

    def run(model: torch.nn.Module) -> Result:
        result = model(data)
        return result[AtomicDataDict.TOTAL_ENERGY_KEY], result[AtomicDataDict.FORCE_KEY]

    trained = _nequip_model(case, symbols, "eager").train()
    predicting = _frozen(_nequip_model(case, symbols, "eager"))
    return Network(
        "nequip",
        len(atoms),
        AtomicDataDict.num_edges(data),
        trained,
        lambda: run(predicting),
        lambda: run(trained),
    )


def _nequip_compiled(case: dict[str, Any]) -> Network:
    """Compile as NequIP does: AOTInductor for inference, its compiled graph model for training.

    NequIP runs a batch of one crystal eagerly however it is asked to train, so a dimer far from its
    images (two atoms, two edges) rides along in the training batch.
    """
    import ase
    from nequip.data import AtomicDataDict
    from nequip.nn.compile import DictInputOutputWrapper
    from nequip.scripts._compile_utils import COMPILE_TARGET_DICT
    from nequip.utils.aot import aot_export_model
    from nequip.utils.global_state import set_global_state

    set_global_state()
    atoms = _atoms(case)
    symbols = sorted(set(atoms.get_chemical_symbols()))
    cutoff = case["cutoff"]
    single = _nequip_data(atoms, cutoff, symbols)
    dimer = ase.Atoms(
        [symbols[0]] * 2, [[0, 0, 0], [0, 0, cutoff / 2]], cell=4 * cutoff * np.eye(3), pbc=True
    )
    batch = AtomicDataDict.batched_from_list([single, _nequip_data(dimer, cutoff, symbols)])

    target = COMPILE_TARGET_DICT["ase"]
    frame = target["data_settings"](single.copy())
    limits = {
        field: torch.export.dynamic_shapes.Dim(name, min=2, max=torch.iinfo(torch.int32).max)
        for field, name in (("graph", "num_frames"), ("node", "num_nodes"), ("edge", "num_edges"))
    }

    @cache
    def predicting() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            package = aot_export_model(
                model=_frozen(_nequip_model(case, symbols, "eager")),
                device="cpu",
                input_fields=target["input"],
                output_fields=target["output"],
                data=frame,
                batch_map=target["batch_map_settings"](limits),
                output_path=os.path.join(folder, "model.nequip.pt2"),
            )
            loaded = torch._inductor.aoti_load_package(package)
        return DictInputOutputWrapper(loaded, target["input"], target["output"])

    def run(model: torch.nn.Module, data: dict[str, torch.Tensor]) -> Result:
        result = model(data)
        return result[AtomicDataDict.TOTAL_ENERGY_KEY], result[AtomicDataDict.FORCE_KEY]

    trained = _nequip_model(case, symbols, "compile").train()
    return Network(
        "nequip",
        len(atoms),
        AtomicDataDict.num_edges(single),
        trained,
        lambda: run(predicting(), frame),
        lambda: run(trained, batch),
    )


def _mace_model(case: dict[str, Any], numbers: list[int]) -> torch.nn.Module:
    """Build the network as MACE's training does by default: 8 Bessel functions, 64-64-64 hidden.

    The first layer reads scalars, and of the last one only the scalars are kept, as MACE has it.
    """
    return _scale_shift_mace(
        numbers,
        channels=case["channels"],
        features=case["weight"],
        harmonics=case["weight"],
        cutoff=case["cutoff"],
        layers=case["layers"],
        bessel=8,
        neighbours=case["neighbours"],
        correlation=case["body_order"] - 1,
    )


def _scale_shift_mace(
    numbers: list[int],
    *,
    channels: int,
    features: int,
    harmonics: int,
    cutoff: float,
    layers: int,
    bessel: int,
    neighbours: float,
    correlation: int,
) -> torch.nn.Module:
    from e3nn import o3
    from mace import modules

    torch.manual_seed(0)
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    network: torch.nn.Module = modules.ScaleShiftMACE(
        atomic_inter_scale=1.0,
        atomic_inter_shift=0.0,
        r_max=cutoff,
        num_bessel=bessel,
        num_polynomial_cutoff=5,
        max_ell=harmonics,
        interaction_cls=block,
        interaction_cls_first=block,
        num_interactions=layers,
        num_elements=len(numbers),
        hidden_irreps=o3.Irreps([(channels, (ell, (-1) ** ell)) for ell in range(features + 1)]),
        MLP_irreps=o3.Irreps("16x0e"),
        atomic_energies=np.zeros(len(numbers)),
        avg_num_neighbors=neighbours,
        atomic_numbers=numbers,
        correlation=correlation,
        gate=torch.nn.functional.silu,
        use_reduced_cg=False,
        radial_MLP=[64, 64, 64],
    )
    return network


def _mace(case: dict[str, Any]) -> Network:
    from mace import data, tools
    from mace.tools import torch_geometric

    atoms = _atoms(case)
    numbers = sorted(set(case["numbers"]))
    graph = data.AtomicData.from_config(
        data.config_from_atoms(atoms),
        z_table=tools.AtomicNumberTable(numbers),
        cutoff=case["cutoff"],
    )
    batch = torch_geometric.Batch.from_data_list([graph]).to_dict()

    def run(model: torch.nn.Module, training: bool) -> Result:
        result = model(batch, training=training)
        return result["energy"], result["forces"]

    trained = _mace_model(case, numbers).train()
    predicting = _frozen(_mace_model(case, numbers))
    return Network(
        "mace-torch",
        len(atoms),
        batch["edge_index"].shape[1],
        trained,
        lambda: run(predicting, False),
        lambda: run(trained, True),
    )


def _tensornet(case: dict[str, Any]) -> Network:
    """Build TensorNet as matgl has it: features to weight 2, 32 Gaussians, no body-order products.

    Its weight is 2 whatever the case says; each layer multiplies matrices, which is a product of
    two features. Stresses are off, as they are for the others.
    """
    from matgl.apps.pes import Potential
    from matgl.ext.ase import Atoms2Graph
    from matgl.models import TensorNet

    atoms = _atoms(case)
    symbols = tuple(sorted(set(atoms.get_chemical_symbols())))
    graph, lattice, _ = Atoms2Graph(symbols, case["cutoff"]).get_graph(atoms)

    def potential() -> torch.nn.Module:
        network = TensorNet(
            element_types=symbols,
            units=case["channels"],
            nblocks=case["layers"],
            cutoff=case["cutoff"],
            is_intensive=False,
        )
        made: torch.nn.Module = Potential(network, calc_stresses=False)
        return made

    def run(model: torch.nn.Module) -> Result:
        energy, forces, *_ = model(graph, lattice)
        return energy, forces

    torch.manual_seed(0)
    trained, predicting = potential().train(), _frozen(potential())
    return Network(
        "matgl",
        len(atoms),
        graph.edge_index.shape[1],
        trained,
        lambda: run(predicting),
        lambda: run(trained),
    )


def _nequip_steps(case: dict[str, Any]) -> Network:
    """Build NequIP of the settings of a case, run eagerly by its calculator of ASE."""
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.integrations.ase import NequIPCalculator
    from nequip.utils.global_state import set_global_state

    set_global_state()
    atoms, cutoff = _atoms(case), case["cutoff"]
    symbols = sorted(set(atoms.get_chemical_symbols()))
    model = _frozen(_nequip_model(case, symbols, "eager"))
    transforms = [ChemicalSpeciesToAtomTypeMapper(symbols), NeighborListTransform(cutoff)]
    calculator = NequIPCalculator(model, "cpu", transforms=transforms)
    return stepping("nequip", atoms, calculator, model, cutoff)


def _mace_steps(case: dict[str, Any]) -> Network:
    """Build MACE of the settings of a case, as its calculator of ASE runs it."""
    from mace.calculators import MACECalculator

    model = _mace_model(case, sorted(set(case["numbers"])))
    calculator = MACECalculator(models=[model], device="cpu", default_dtype="float32")
    return stepping("mace-torch", _atoms(case), calculator, model, case["cutoff"])


def _mace_mp(case: dict[str, Any], features: int) -> Network:
    """Build MACE-MP-0 with random weights: 89 elements, 128 channels, cutoff 6 Å, correlation 3.

    Its small model has scalars as features, the medium one vectors besides; 10 Bessel functions
    and harmonics to 3 in both (I. Batatia and others 2023, arXiv:2401.00096).
    """
    from mace.calculators import MACECalculator

    model = _scale_shift_mace(
        list(range(1, 90)), channels=128, features=features, harmonics=3, cutoff=6.0, layers=2,
        bessel=10, neighbours=61.96, correlation=3,
    )  # fmt: skip
    calculator = MACECalculator(models=[model], device="cpu", default_dtype="float32")
    return stepping("mace-torch", _atoms(case), calculator, model, 6.0)


def _chgnet(case: dict[str, Any]) -> Network:
    """Build CHGNet as its package ships it, weights included; its atom graph has cutoff 6 Å."""
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    model = CHGNet.load(use_device="cpu", verbose=False)
    calculator = CHGNetCalculator(model=model, use_device="cpu")
    return stepping("chgnet", _atoms(case), calculator, model, 6.0)


def _tensornet_mp(case: dict[str, Any]) -> Network:
    """Build TensorNet as `TensorNet-MatPES-PBE-v2025.1-PES` of matgl has it, weights aside.

    89 elements, 128 units, 2 blocks, cutoff 5 Å, 3 smooth spherical Bessel functions; the default
    of matgl has 64 units and 32 Gaussians.
    """
    from matgl.apps.pes import Potential
    from matgl.config import DEFAULT_ELEMENTS
    from matgl.ext.ase import PESCalculator
    from matgl.models import TensorNet

    torch.manual_seed(0)
    model = TensorNet(
        element_types=DEFAULT_ELEMENTS, units=128, nblocks=2, cutoff=5.0, is_intensive=False,
        rbf_type="SphericalBessel", max_n=3, max_l=3, use_smooth=True,
    )  # fmt: skip
    potential = Potential(model, calc_stresses=True)
    calculator = PESCalculator(potential=potential, stress_unit="eV/A3")
    return stepping("matgl", _atoms(case), calculator, potential, 5.0)


BUILDERS: dict[str, Callable[[dict[str, Any]], Network]] = {
    "nequip": _nequip,
    "nequip-compiled": _nequip_compiled,
    "mace": _mace,
    "tensornet": _tensornet,
    "nequip-steps": _nequip_steps,
    "mace-steps": _mace_steps,
    "mace-mp-small": partial(_mace_mp, features=0),
    "mace-mp-medium": partial(_mace_mp, features=1),
    "chgnet": _chgnet,
    "tensornet-mp": _tensornet_mp,
}


if __name__ == "__main__":
    serve(sys.argv[1], BUILDERS[sys.argv[1]], sys.argv[2])
