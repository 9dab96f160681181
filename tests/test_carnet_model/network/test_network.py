"""The network: symmetry, derived targets, and the same numbers however it is run."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from carnet_model.network import kernels
from carnet_model.network.batch import collate
from carnet_model.network.irreps import Irrep, Layout, reachable
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target, TargetError
from carnet_model.structures import symmetry
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import Graph, build
from codegen import ConvolutionRecipe, ProductRecipe
from natural_tensors import reduction
from natural_tensors.examples import load
from tests.helpers.paths import DATA, ROOT

SMALL: dict[str, Any] = {
    "channels": 6, "radial": 4, "radial_hidden": 6, "embedding": 5, "head_hidden": 8, "cutoff": 4.0,
}  # fmt: skip
SYSTEMS = (
    "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
)  # fmt: skip
# The committed examples hold no triclinic crystal; this is a made-up one.
TRICLINIC = Geometry(
    numbers=np.array([14, 8, 8, 11]),
    positions=np.array([[0.1, 0.2, 0.0], [1.6, 0.4, 0.3], [0.3, 2.1, 1.0], [2.4, 2.5, 2.7]]),
    cell=np.array([[4.2, 0.1, 0.0], [0.7, 4.6, 0.2], [-0.6, 0.5, 5.1]]),
    periodic=(True, True, True),
    name="made up",
)
TARGETS = {
    "elastic": Target("elastic", positive=True),
    "piezoelectric": Target("ijk=ikj"),
    "gyration": Target("ij=ji", axial=True),
    "axial vector": Target("i", axial=True, pooling="sum"),
    "shielding": Target("ij", pooling="atoms"),
}


@cache
def crystals() -> dict[str, Geometry]:
    text = (ROOT / "natural_tensors/examples/dejong2015.json").read_text()
    found: dict[str, Geometry] = {"triclinic": TRICLINIC}
    for row in json.loads(text):
        found.setdefault(row["crystal_system"], geometry(row, name=row["id"]))
    return found


def network(target: Target, seed: int = 1, **settings: Any) -> CarNet:
    torch.manual_seed(seed)
    model = CarNet(NetworkSettings(**(SMALL | settings)), target).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "head.heads" in name:
                parameter.mul_(10)
    return model


def predict(model: CarNet, *structures: Geometry, **options: Any) -> np.ndarray:
    graphs = [build(structure, model.settings.cutoff) for structure in structures]
    with torch.no_grad():
        packed = model(collate(graphs, dtype=torch.float64))[model.targets[0].key].numpy()
    return np.asarray(model.targets[0].reduction.unpack(packed, **options))


def moved(structure: Geometry, rotation: np.ndarray, shift: Any = 0.0) -> Geometry:
    return Geometry(
        structure.numbers, structure.positions @ rotation.T + shift, structure.cell @ rotation.T,
        structure.periodic, structure.name,
    )  # fmt: skip


def turned(tensor: np.ndarray, rotation: np.ndarray, target: Target) -> np.ndarray:
    """Rotate tensors of shape (..., 3, 3..) with an orthogonal matrix, by the definition."""
    rank = target.reduction.rank
    for axis in range(-rank, 0):
        tensor = np.moveaxis(np.moveaxis(tensor, axis, -1) @ rotation.T, -1, axis)
    return tensor * (np.linalg.det(rotation) if target.reduction.symmetry.axial else 1.0)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("improper", [False, True])
def test_equivariant_under_rotation_inversion_translation_and_permutation(
    name: str, improper: bool
) -> None:
    target = TARGETS[name]
    model = network(target)
    rotation = Rotation.random(random_state=3).as_matrix() * (-1 if improper else 1)
    order = np.array([2, 0, 3, 1])
    shuffled = Geometry(
        TRICLINIC.numbers[order], TRICLINIC.positions[order], TRICLINIC.cell, TRICLINIC.periodic
    )
    expected = turned(predict(model, TRICLINIC), rotation, target)
    got = predict(model, moved(shuffled, rotation, shift=[0.3, -4.0, 9.0]))
    if target.pooling == "atoms":
        expected = expected[order]
    assert np.abs(expected).max() > 1e-6  # pseudo-tensors of an untrained network are small
    np.testing.assert_allclose(got, expected, atol=1e-11 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("name", ["elastic", "piezoelectric", "gyration"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_prediction_has_the_symmetry_of_the_crystal(system: str, name: str) -> None:
    target, crystal = TARGETS[name], crystals()[system]
    tensor = predict(network(target), crystal)[0]
    rotations = symmetry.point_group_rotations(crystal)
    scale = max(float(np.abs(tensor).max()), 1e-3)
    # the published coordinates have six digits, which is as far as symmetry can hold
    for rotation in rotations:
        np.testing.assert_allclose(turned(tensor, rotation, target), tensor, atol=3e-5 * scale)


@pytest.mark.parametrize("name", ["elastic", "piezoelectric"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_supercell_and_cell_choice_leave_an_intensive_tensor_alone(system: str, name: str) -> None:
    crystal = crystals()[system]
    model = network(TARGETS[name])
    matrix = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])  # a cell twice as large, skewed
    inside = np.linalg.solve((matrix @ crystal.cell).T, crystal.positions.T).T
    translations = [np.array(t) for t in np.ndindex(3, 3, 3)]
    shifts = np.array(translations) @ crystal.cell @ np.linalg.inv(matrix @ crystal.cell)
    every = (inside[None] + shifts[:, None]) % 1.0
    unique: list[np.ndarray] = []
    numbers: list[int] = []
    for row in every:
        for number, point in zip(crystal.numbers, row, strict=True):
            gaps = [np.abs((point - other + 0.5) % 1.0 - 0.5).max() for other in unique]
            if not gaps or min(gaps) > 1e-6:
                unique.append(point)
                numbers.append(int(number))
    larger = Geometry(
        np.array(numbers), np.array(unique) @ (matrix @ crystal.cell), matrix @ crystal.cell,
        crystal.periodic,
    )  # fmt: skip
    assert len(numbers) == 2 * len(crystal.numbers)
    expected = predict(model, crystal)
    np.testing.assert_allclose(
        predict(model, larger), expected, atol=1e-10 * np.abs(expected).max() + 1e-15, rtol=0
    )


def test_sum_counts_the_atoms_and_mean_does_not() -> None:
    summed = network(Target("ij=ji", pooling="sum"))
    averaged = network(Target("ij=ji"))
    one = TRICLINIC
    two = Geometry(
        np.tile(one.numbers, 2),
        np.concatenate([one.positions, one.positions + one.cell[0]]),
        one.cell * [[2], [1], [1]], one.periodic,
    )  # fmt: skip
    np.testing.assert_allclose(predict(summed, two), 2 * predict(summed, one), rtol=1e-11)
    np.testing.assert_allclose(predict(averaged, two), predict(averaged, one), rtol=1e-11)


def test_batches_and_single_structures_agree() -> None:
    model = network(TARGETS["elastic"])
    every = list(crystals().values())
    together = predict(model, *every)
    for tensor, crystal in zip(together, every, strict=True):
        np.testing.assert_allclose(
            predict(model, crystal)[0], tensor, atol=1e-11 * np.abs(tensor).max()
        )


def test_index_symmetry_and_positive_definiteness_are_exact() -> None:
    model = network(TARGETS["elastic"])
    with torch.no_grad():
        model.outputs[0].assembly.scale.fill_(3.0)
    for matrix in predict(model, *crystals().values(), form="mandel"):
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix)[0] > 0


def test_centrosymmetric_crystal_has_no_piezoelectricity() -> None:
    tensor = predict(network(TARGETS["piezoelectric"]), crystals()["cubic"])
    rotations = symmetry.point_group_rotations(crystals()["cubic"])
    assert any(np.allclose(rotation, -np.eye(3)) for rotation in rotations)
    assert np.abs(tensor).max() < 1e-12


def test_float32_is_float64_to_its_digits() -> None:
    model = network(TARGETS["elastic"])
    graphs = [build(crystal, 4.0) for crystal in crystals().values()]
    with torch.no_grad():
        double = model(collate(graphs, dtype=torch.float64))["elastic"]
        single = model.float()(collate(graphs))["elastic"]
    torch.testing.assert_close(
        single.double(), double, rtol=0, atol=2e-5 * float(double.abs().max())
    )


def test_isolated_atom_and_molecule_have_finite_tensors_and_gradients() -> None:
    target = Target("ij=ji", pooling="sum")
    model = network(target)
    alone = Geometry(np.array([8]), np.zeros((1, 3)), np.zeros((3, 3)), (False,) * 3)
    water = Geometry(
        np.array([8, 1, 1]), np.array([[0.0, 0, 0], [0, 0.96, 0], [0.93, -0.24, 0]]),
        np.zeros((3, 3)), (False,) * 3,
    )  # fmt: skip
    batch = collate([build(alone, 4.0), build(water, 4.0)], dtype=torch.float64)
    batch.positions.requires_grad_()
    (values,) = model(batch).values()
    (gradient,) = torch.autograd.grad(values.square().sum(), batch.positions)
    assert torch.isfinite(values).all()
    assert torch.isfinite(gradient).all()


def test_features_vanish_smoothly_at_the_cutoff() -> None:
    model = network(Target("ij=ji", pooling="sum"), cutoff=3.0)

    def pair(distance: float) -> np.ndarray:
        return predict(
            model,
            Geometry(np.array([14, 8]), np.array([[0.0, 0, 0], [0, 0, distance]]),
                     np.zeros((3, 3)), (False,) * 3),
        )  # fmt: skip

    beyond = pair(3.2)
    near, nearer = (np.abs(pair(3.0 - gap) - beyond).max() for gap in (1e-3, 1e-2))
    assert near <= 5e-3 * nearer  # the envelope falls with the third power of the gap


def test_layouts_are_those_of_the_generated_code() -> None:
    for pseudo in (False, True):
        parity = "both" if pseudo else "natural"
        recipe = ProductRecipe(3, parity=parity)  # type: ignore[arg-type]
        layout = Layout(3, pseudo)
        parts = layout.split(torch.arange(layout.size).view(1, -1, 1))
        assert [(b.weight, b.pseudo, b.slice) for b in recipe.blocks] == [
            (irrep.weight, irrep.pseudo, slice(int(part[0, 0]), int(part[0, -1]) + 1))
            for irrep, part in parts.items()
        ]
        kernel = kernels.convolution(layout, 2)
        generated = ConvolutionRecipe(3, 2, parity=parity)  # type: ignore[arg-type]
        assert kernel.outputs.size == generated.outputs[-1].slice.stop
        assert kernel.inputs.size == generated.inputs[-1].slice.stop


def test_targets_derive_what_the_network_needs() -> None:
    elastic = Target("elastic")
    assert [(str(i), n) for i, n in elastic.parts] == [("0e", 2), ("2e", 2), ("4e", 1)]
    assert not elastic.pseudo
    assert elastic.unit == "GPa"
    assert Target("ijk=ikj").pseudo
    assert [str(i) for i, _ in Target("third-order-elastic").parts if i.pseudo] == ["3e"]
    assert Target("i", axial=True).parts == ((Irrep(1, True), 1),)
    assert Target("ij=ji").matrix_form == "full"
    assert elastic.matrix_form == "mandel"
    assert Target("ijkl=jikl=ijlk").matrix_form is None


@pytest.mark.parametrize("body_order", [2, 3, 4])
@pytest.mark.parametrize("layers", [1, 2])
def test_irreps_that_selection_rules_exclude_are_zero_and_most_others_are_not(
    layers: int, body_order: int
) -> None:
    layout, sent = Layout(2, True), Layout(1, True)
    found = reachable(layout, sent, layers=layers, body_order=body_order)
    torch.manual_seed(0)
    target = Target("ij=ji", pooling="atoms")
    net = CarNet(
        NetworkSettings(
            **SMALL, weight=2, pseudo=True, message_weight=1, layers=layers, body_order=body_order
        ),
        target,
    ).double()
    seen: dict[Irrep, torch.Tensor] = {}
    net.interactions[-1].kept = None
    net.interactions[-1].register_forward_hook(lambda _, __, output: seen.update(output))
    with torch.no_grad():
        net.learned(collate([build(TRICLINIC, 4.0)], dtype=torch.float64))
    for irrep in layout.irreps:
        size = float(seen[irrep].abs().max()) if irrep in seen else 0.0
        cancels = irrep == Irrep(0, True) and layers == 1
        assert (size > 1e-12) == (irrep in found and not cancels), f"{irrep}: {size}"


def test_what_cannot_be_predicted_is_refused() -> None:
    with pytest.raises(TargetError, match="symmetric matrix"):
        Target("ijkl=jikl=ijlk", positive=True)
    with pytest.raises(TargetError, match="4e"):
        network(Target("elastic"), weight=2)
    with pytest.raises(TargetError, match="2o"):
        network(Target("ijk=ikj"), pseudo=False)
    with pytest.raises(TargetError, match=r"2o.*body_order"):
        network(Target("ij=ji", axial=True), layers=1, body_order=2)
    with pytest.raises(TargetError, match="eigenvalues"):
        Target("ij=ji", positive=True).coordinates(np.diag([1.0, 2.0, -1.0]))


def test_coordinates_invert_the_assembly() -> None:
    target = TARGETS["elastic"]
    examples = [load("TiB"), load("mp-559")]
    tensors = np.stack(
        [
            reduction("elastic").convert(example.values, source="voigt", target="full")
            for example in examples
        ]
    )
    model = network(target)
    coordinates = torch.from_numpy(target.coordinates(tensors))
    with torch.no_grad():  # as after a training: labels lie a few deviations around their mean
        assembly = model.outputs[0].assembly
        assembly.mean.copy_(coordinates.mean(dim=0))
        packed = assembly(
            assembly.learned(coordinates - assembly.mean, collate([build(TRICLINIC, 4.0)]))
        )
    np.testing.assert_allclose(
        target.reduction.unpack(packed.numpy()), tensors, rtol=0, atol=1e-10 * tensors.max()
    )


def test_graph_edges_are_all_pairs_within_the_cutoff() -> None:
    graph: Graph = build(crystals()["hexagonal"], 4.0)
    vectors = collate([graph], dtype=torch.float64).vectors()
    lengths = vectors.norm(dim=1).numpy()
    assert lengths.max() < 4.0
    assert (np.diff(graph.receivers) >= 0).all()
    crystal = crystals()["hexagonal"]
    expected = 0
    for shift in np.ndindex(9, 9, 9):
        moved = crystal.positions + (np.array(shift) - 4) @ crystal.cell
        gaps = np.linalg.norm(moved[None] - crystal.positions[:, None], axis=-1)
        expected += int(((gaps > 1e-6) & (gaps < 4.0)).sum())
    assert graph.edges == expected


@pytest.mark.skipif(not DATA.is_dir(), reason="the data folder is absent")
@pytest.mark.parametrize("system", ["triclinic", "monoclinic"])
def test_symmetry_of_low_systems_on_real_crystals(system: str) -> None:
    with gzip.open(DATA / "elastic.json.gz", "rt") as stream:
        rows = [row for row in json.load(stream) if row["crystal_system"] == system][:3]
    model = network(TARGETS["elastic"])
    for row in rows:
        crystal = geometry(row, name=row["id"])
        tensor = predict(model, crystal)[0]
        for rotation in symmetry.point_group_rotations(crystal):
            np.testing.assert_allclose(
                turned(tensor, rotation, model.targets[0]), tensor, atol=1e-3 * np.abs(tensor).max()
            )
