"""Ensembles of tensors whose sign the labels did not say."""

from __future__ import annotations

import numpy as np
import torch
from ase.build import bulk

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.prediction.predictor import Predictor
from carnet_model.prediction.result import Prediction
from carnet_model.prediction.signs import of_one_sign, sign_unknown
from carnet_model.structures.conversion import geometry
from tests.helpers.tiny_models import network

PIEZO = Target("piezoelectric-stress")
SETTINGS = NetworkSettings(cutoff=4.0, channels=4, layers=2, message_weight=1, body_order=4)
RECORD = {"config": {"data": [{"labels": {"tensor": {"form": "voigt", "sign": "unknown"}}}]}}


def test_the_record_says_whether_the_sign_was_unknown() -> None:
    assert sign_unknown(RECORD, PIEZO.key)
    assert not sign_unknown({}, PIEZO.key)
    known = {"config": {"data": [{"labels": {"tensor": {"sign": "known"}}}, {"labels": None}]}}
    assert not sign_unknown(known, PIEZO.key)
    assert not sign_unknown({"config": {"data": [{"labels": {"bulk": "K"}}]}}, "elastic")


def test_a_label_under_the_name_of_the_only_target_counts() -> None:
    labels = {"piezoelectric-stress": {"sign": "unknown"}}
    target = {"name": "piezoelectric-stress", "title": "e"}
    config = {"target": [target], "data": [{"labels": labels}]}
    assert sign_unknown({"config": config}, "e")
    assert not sign_unknown({"config": {**config, "target": [target, {"name": "elastic"}]}}, "e")


def test_each_atom_has_a_sign_of_its_own() -> None:
    dice = np.random.default_rng(0)
    tensors = dice.normal(size=(6, 3, 3))
    signs = np.where(dice.normal(size=(5, 6)) > 0, 1.0, -1.0)
    signs[0] = 1
    members = signs[:, :, None, None] * tensors
    assert np.array_equal(of_one_sign(members, per_atom=True), np.stack([tensors] * 5))
    assert not np.array_equal(of_one_sign(members), np.stack([tensors] * 5))


def test_tensors_of_any_shape_get_one_sign_and_the_first_keeps_its_own() -> None:
    dice = np.random.default_rng(0)
    tensor = dice.normal(size=(3, 4))
    near = tensor + 0.1 * dice.normal(size=(5, 3, 4))
    flipped = near * np.array([-1, 1, 1, -1, 1])[:, None, None]
    assert np.array_equal(of_one_sign(flipped), -near)
    assert np.array_equal(of_one_sign(near[:1]), near[:1])
    assert np.array_equal(of_one_sign(np.zeros((3, 2))), np.zeros((3, 2)))


def test_a_network_and_its_negative_do_not_cancel() -> None:
    crystal = geometry(bulk("GaAs", "zincblende", a=5.65))  # no centre of inversion
    one, other = network(0, PIEZO, SETTINGS), network(0, PIEZO, SETTINGS)
    with torch.no_grad():
        for head in other.outputs[0].head.heads:
            head.weight.neg_()
            if head.bias is not None:
                head.bias.neg_()
    alone = Predictor([one]).predict(crystal)
    plain = Predictor([one, other]).predict(crystal)
    joined = Predictor([one, other], record=RECORD)
    aligned = joined.predict(crystal)
    assert isinstance(alone, Prediction)
    assert isinstance(plain, Prediction)
    assert isinstance(aligned, Prediction)
    size = np.linalg.norm(alone.tensor)
    assert size > 1e-6
    assert np.linalg.norm(plain.tensor) < 1e-6 * size
    assert np.allclose(aligned.tensor, alone.tensor, atol=1e-6 * size)
    atoms = bulk("GaAs", "zincblende", a=5.65)
    computed = CarNetCalculator(joined).get_property(PIEZO.key, atoms)
    assert np.allclose(computed, aligned.tensor, atol=1e-6 * size)
