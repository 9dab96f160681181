"""Labelled data of the command line: how labels are read, and which examples are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from natural_tensors import catalog
from natural_tensors.errors import translated
from natural_tensors.files.label_forms import LabelFormName
from natural_tensors.terminal import warn

from ..data.examples import DatasetError, Division, Example, Examples
from ..data.labels import LabelSource
from ..data.reading import read_examples
from ..network.targets import Target
from ..prediction.predictor import Predictor
from ..prediction.signs import sign_unknown
from ..weights.record import CheckpointError
from .options import SPLITS


def label_source(
    name: str, key: str | None, form: str | None, unit: str | None, target: Target | None = None
) -> LabelSource:
    """Return where a label stands; a stiffness as in this project's JSON when nothing is said."""
    ours = name == "elastic" and key is None
    return LabelSource(
        name,
        key=key or ("C" if ours else name),
        form=cast(LabelFormName, form or ("upper" if ours else "full")),
        unit=unit or ("GPa" if name == "elastic" else ""),
        kept="" if target is None else target.unit,
        symmetry=target.tensor if target else "" if name in catalog else name,
        axial=target is not None and target.axial,
        sites="all" if target and target.pooling == "atoms" else "",
    )


def label_sources(
    predictor: Predictor, path: str, key: str | None, form: str | None, unit: str | None
) -> tuple[list[LabelSource], bool]:
    """Return the labels to read, and whether they may be their negatives.

    Without options they are read as the training read them: from its source of the same file
    name, or else from the first that has them.

    Args:
        predictor: the model.
        path: the labelled data.
        key: option of the command line, as the next two.
        form: how the label is written.
        unit: of the numbers.

    Raises:
        CheckpointError: when the record of the model does not say it in the words of today.
    """
    from ..training.config import Config
    from ..training.sources import resolve_sources

    target, trained = predictor.target, predictor.record.get("config") or {}
    if key or form or unit or not trained:
        either_sign = sign_unknown(predictor.record, target.key)
        return [label_source(target.key, key, form, unit, target)], either_sign

    def unknown(reason: str) -> CheckpointError:
        return CheckpointError(
            f"{predictor.name}: how its training read labels is not to be had from model.json: "
            f"{reason}; give --key, --form and --unit"
        )

    with translated(unknown):
        sources = resolve_sources(Config.model_validate(trained))
    known = [(each, labels) for each in sources if (labels := each.evaluated_labels(target))]
    if not known:
        raise unknown(f"no source of it has {target.key}")
    of_file = [labels for source, labels in known if source.path == Path(path).name]
    labels = of_file[0] if of_file else known[0][1]
    # a file may state energies alone, or forces alone: what is there is measured
    readings = [label.reading for label in labels]
    optional = [replace(each, optional=target.potential or each.optional) for each in readings]
    return optional, any(label.either_sign for label in labels)


def division_of(predictor: Predictor) -> Division:
    """Return who validated in the training of a model; the usual division where nobody says.

    Raises:
        CheckpointError: when the record of the model does not say it in the words of today.
    """
    from ..training.config import SplitSettings

    stated = (predictor.record.get("config") or {}).get("split") or {}
    with translated(
        lambda reason: CheckpointError(f"{predictor.name}: split in model.json: {reason}")
    ):
        return SplitSettings.model_validate(stated).division


def labelled_examples(
    path: str, sources: Sequence[LabelSource], split: str, division: Division
) -> list[Example]:
    """Return the examples of a split to measure a model on; faulty records are reported."""
    examples = read_examples(path, sources, for_training=False, on_error="skip")
    for fault in examples.faults:
        warn("warning", str(fault), "bold yellow")
    chosen = of_split(examples, split, division)
    if not chosen:
        raise DatasetError(
            f"{path}: none of its {len(examples)} examples is of the split {split!r}\n"
            f"allowed: --split {', '.join(SPLITS)}"
        )
    return chosen


def moduli_examples(
    path: str, split: str, division: Division, apart_from: Sequence[Example]
) -> list[Example]:
    """Return the examples of a split with K or G after Hill, without those named otherwise.

    Args:
        path: what ``carnet data moduli`` writes, or records with ``bulk`` and ``shear`` in GPa.
        split: which examples.
        division: says of which split each is.
        apart_from: examples whose identifiers are left out.
    """
    sources = [
        LabelSource(name, form="scalar", unit="GPa", optional=True)
        for name in ("bulk", "shear", "bulk_voigt")  # of the last alone: read, and no fault
    ]
    others = {one.identifier for one in apart_from} - {""}
    found = labelled_examples(path, sources, split, division)
    return [one for one in found if one.identifier not in others]


def of_split(examples: Examples, split: str, division: Division) -> list[Example]:
    """Return the examples of a split, or all of them."""
    return [one for one in examples if split in ("all", division.split_of(one))]
