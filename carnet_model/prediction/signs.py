"""Tensors of unknown sign: members of an ensemble that learnt them have each a sign of its own.

Where labels may be their negatives (``sign: unknown`` of a training), so may predictions. A mean of
members of either sign would be none of them, so they are given one sign before it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from natural_tensors.arrays import Floats


def sign_unknown(record: Mapping[str, Any], key: str) -> bool:
    """Say whether labels of a target had an unknown sign in the training of a checkpoint.

    Args:
        record: of the checkpoint, with the ``config`` of its training.
        key: of the target.
    """
    config = record.get("config") or {}
    targets = config.get("target") or ()
    names = {key, "tensor", *(each.get("name") for each in targets if len(targets) == 1)}
    of_sources = [source.get("labels") for source in config.get("data") or ()]
    return any(
        isinstance(label, Mapping) and label.get("sign") == "unknown"
        for labels in of_sources
        if isinstance(labels, Mapping)
        for name, label in labels.items()
        if name in names
    )


def of_one_sign(members: Floats, *, per_atom: bool = False) -> Floats:
    """Return tensors, each as it is or its negative, that agree best in sign; the first stays.

    The signs are those of the leading eigenvector of the inner products, which is the direction
    that the tensors have most in common.

    >>> of_one_sign(np.array([[1.0, 2.0], [-1.0, -2.5], [1.0, 1.5]])).tolist()
    [[1.0, 2.0], [1.0, 2.5], [1.0, 1.5]]

    Args:
        members: tensors of one system, members first, shape ``(members, ...)``.
        per_atom: the second axis is that of atoms, each of which has a sign of its own.
    """
    if per_atom:
        return np.stack([of_one_sign(each) for each in np.moveaxis(members, 1, 0)], axis=1)
    rows = members.reshape(len(members), -1)
    common = np.linalg.eigh(rows @ rows.T)[1][:, -1]
    signs = np.where(common * common[0] < 0, -1.0, 1.0)
    return np.asarray(members * signs.reshape(-1, *[1] * (members.ndim - 1)))
