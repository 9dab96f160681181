"""The command that takes tensors apart: decompose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, cast

import numpy as np
import typer
from rich.text import Text

from .. import examples
from ..arrays import to_lists
from ..decomposition import reductions
from ..decomposition.base import ReductionBase
from ..decomposition.components import Form
from ..decomposition.copies import Basis
from ..decomposition.reductions import Reduction
from ..errors import SymmetryError
from ..files import reading, recognition, saving, writing
from ..files.recognition import Recognized
from ..files.records import ExactRecord, Parts, TensorRecord, Values
from ..formatting import number, percent
from ..plane.reductions import PlaneReduction
from ..so3.packing import pack_natural
from ..terminal import RefusedError, examples_of, say, say_json, say_table, warn
from . import plane
from .app import app
from .exact import exact_document, form_record, say_exactly, take_apart_exactly
from .options import (
    AxialOption,
    BasisOption,
    DimensionOption,
    ExampleOption,
    FileArgument,
    FormOption,
    JsonOption,
    OutputOption,
    SymmetryOption,
    TensorOption,
    asked_class,
)
from .printing import ROUNDING, say_array, say_heading


@dataclass(frozen=True, eq=False)
class Taken:
    """A tensor, or a batch, taken apart.

    Attributes:
        record: what was read.
        tensor: its class, the form it was read in, and the numbers, symmetrized if asked for.
        parts: ``{(weight, copy): batch + (3,)*weight}``.
        weight_shares: share of each weight in the squared norm, of the shape of the batch.
        copy_shares: share of each orthonormal copy.
        notes: what was decided without being asked.
    """

    record: TensorRecord
    tensor: Recognized
    parts: Parts
    weight_shares: dict[int, Values]
    copy_shares: dict[tuple[int, int], Values]
    notes: tuple[str, ...]

    @cached_property
    def norms(self) -> dict[tuple[int, int], Values]:
        """Frobenius norm of each part, of the shape of the batch."""
        flat = {key: part.reshape((*self.tensor.batch, -1)) for key, part in self.parts.items()}
        return {key: np.linalg.norm(part, axis=-1) for key, part in flat.items()}

    @property
    def round_trip(self) -> float:
        """Largest relative difference, over the batch, after reconstruction."""
        reduction, form, values = self.tensor.reduction, self.tensor.form, self.tensor.values
        back = reduction.reconstruct(self.parts, form=form)
        rows = (-1, reduction.components.layout(form).position.size)
        gap = np.linalg.norm((back - values).reshape(rows), axis=1)
        size = np.linalg.norm(values.reshape(rows), axis=1)
        return float((gap / np.where(size > 0, size, 1)).max())

    @cached_property
    def moduli(self) -> dict[str, Values]:
        """Voigt averages of bulk and shear modulus, for a stiffness: the isotropic parts."""
        if self.tensor.reduction.name != "elastic":
            return {}
        dual = reductions.reduction("elastic")
        lame = dual.decompose(self.tensor.values, form=self.tensor.form)
        first, shear = lame[0, 0], lame[0, 1]
        return {"K": first + 2 * shear / 3, "G": shear}

    @cached_property
    def noise(self) -> float:
        """Size below which a number is rounding."""
        eps = float(np.finfo(self.tensor.values.dtype).eps)
        return ROUNDING * eps * float(np.abs(self.tensor.values).max())


@app.command(
    epilog=examples_of(
        "natural-tensors",
        "decompose stiffness.csv",
        "decompose --example copper --verbose",
        "decompose d.json --tensor piezoelectric --basis orthonormal",
        "decompose many.npy --tensor dielectric -o parts.json",
        "examples zinc --json | natural-tensors decompose - --json",
        "decompose --tensor elastic --group m-3m",
        "decompose symbols.csv --tensor elastic --json",
        "decompose --tensor elastic --group 4mm --dimension 2",
    )
)
def decompose(
    file: FileArgument = None,
    example: ExampleOption = None,
    tensor: TensorOption = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "-g",
            metavar="SYMBOL",
            help="No FILE: the form of the class under a point group, in symbols.",
        ),
    ] = None,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    form: FormOption = "auto",
    basis: BasisOption = "dual",
    project: Annotated[
        bool, typer.Option("--project", help="Symmetrize what violates its symmetry.")
    ] = False,
    dimension: DimensionOption = 3,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the numbers of every part.")
    ] = False,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Take a tensor apart: its irreducible parts, and their shares of its squared norm.

    Leading axes of the array are a batch. JSON may say what it holds:
    {"tensor": [...], "class": "elastic", "form": "voigt", "unit": "GPa"},
    or "symmetry" and "axial" instead of "class".
    With --dimension 2 a 3x3 matrix is a stiffness of the plane (xx, yy, xy), and --group is one
    of its point groups.

    The JSON that -o writes holds all that reconstruct needs.

    Entries of JSON and CSV may be text: "C11 - C12", "1/3", "sqrt(2)*C44". Then every entry is
    exact and so is what comes out; each part is printed by its distinct components.
    """
    if output is not None:
        saving.check_suffix(output, (".json",))
    store = output is not None or as_json
    if dimension == 2:
        chosen = plane.asked_class(tensor, symmetry, axial, basis)
        record = _form_or_input(chosen, group, file, example)
        sheet, written, guessed = plane.recognized(record, chosen, basis, form)
        if isinstance(record, ExactRecord):
            _decompose_exactly(record, sheet, written, guessed, project, output, as_json)
            return
        notes = _notes(sheet, guessed)
        document, say_it = plane.decompose(record, sheet, written, notes, project)
        _deliver(document, output, as_json, notes, lambda: say_it(verbose))
        return
    reduction = asked_class(tensor, symmetry, axial, basis, "--tensor")
    given = _form_or_input(reduction, group, file, example)
    if isinstance(given, ExactRecord):
        stated = None if form == "auto" else cast("Form", form)
        found = recognition.recognize_class(given, reduction, stated, cast("Basis", basis))
        _decompose_exactly(given, *found, project, output, as_json)
        return
    taken = take_apart(given, reduction, basis, form, project)
    document = _parts_document(taken) if store else {}
    _deliver(document, output, as_json, taken.notes, lambda: _say_taken(taken, verbose))


def _notes(reduction: ReductionBase, guessed: bool) -> tuple[str, ...]:
    if not guessed:
        return ()
    name = reduction.name or str(reduction.symmetry)
    return (f"taken for {name!r} by its shape; choose with --tensor or --symmetry",)


def _decompose_exactly(
    record: ExactRecord, reduction: ReductionBase, form: Form, guessed: bool, project: bool,
    output: str | None, as_json: bool,
) -> None:  # fmt: skip
    notes = _notes(reduction, guessed)
    exact = take_apart_exactly(record, reduction, form, notes, project)
    stored = exact_document(exact) if output is not None or as_json else {}
    _deliver(stored, output, as_json, exact.notes, lambda: say_exactly(exact))


def _deliver(
    document: dict[str, Any],
    output: str | None,
    as_json: bool,
    notes: tuple[str, ...],
    say_it: Callable[[], None],
) -> None:
    """Write a document where it was asked for, and print it or what it says."""
    if output is not None:
        writing.write_json(output, document)
    if as_json:
        for note in notes:
            warn("note", note, "bold")
        say_json(document)
        return
    say_it()
    if output is not None:
        say("", f"wrote {output}")


def _form_or_input(
    reduction: ReductionBase | None, group: str | None, file: str | None, example: str | None
) -> TensorRecord | ExactRecord:
    if group is None:
        if example is None and file is not None:
            return reading.read_any_tensor(file)
        return read_input(file, example)
    if file is not None or example is not None:
        raise typer.BadParameter(
            "--group makes the tensor: the form that the group leaves; give no FILE or --example"
        )
    if reduction is None:
        raise typer.BadParameter("--group needs a class: --tensor NAME or --symmetry 'ijk=ikj'")
    if isinstance(reduction, PlaneReduction):
        return plane.form_record(reduction, group)
    return form_record(cast("Reduction", reduction), group)


def read_input(file: str | None, example: str | None) -> TensorRecord:
    """Return the numbers that the command line names: of a file, standard input or an example."""
    if (file is None) == (example is None):
        raise typer.BadParameter("give one FILE, - for standard input, or --example NAME")
    if example is None:
        return reading.read_tensor(cast("str", file))
    crystal = examples.load(example)
    return TensorRecord(
        origin=f"example {crystal.name}",
        values=crystal.values,
        tensor=crystal.tensor,
        form=cast("Form", crystal.form),
        unit=crystal.unit,
        name=f"{crystal.name} ({crystal.formula})",
    )


def take_apart(
    record: TensorRecord, asked: Reduction | None, basis: str, form: str, project: bool
) -> Taken:
    """Return a tensor that was read, checked and taken apart.

    Raises:
        FileError: when it does not fit its class or form.
        RefusedError: when it violates its index symmetry.
    """
    stated = None if form == "auto" else cast("Form", form)
    tensor = recognition.recognize(record, asked, stated, cast("Basis", basis))
    reduction = tensor.reduction
    notes = [*_notes(reduction, tensor.guessed)]
    if project:
        tensor = replace(tensor, values=reduction.symmetrize(tensor.values, form=tensor.form))
        change = float(np.abs(tensor.values - record.values).max())
        notes.append(f"symmetrized first: that changed no entry by more than {change:.3g}")
    try:
        parts = reduction.decompose(tensor.values, form=tensor.form)
    except SymmetryError as error:
        reason = str(error).partition("; use invalid=")[0]
        raise RefusedError(
            f"{record.origin}: {reason}\n"
            "symmetrize it with --project, or choose another class with --tensor or --symmetry"
        ) from None
    return Taken(
        record,
        tensor,
        parts,
        reduction.fractions(tensor.values, form=tensor.form),
        reduction.fractions(tensor.values, per="copy", form=tensor.form),
        tuple(notes),
    )


def _parts_document(taken: Taken) -> dict[str, Any]:
    record, norms = taken.record, taken.norms
    document = writing.about(taken.tensor.reduction, taken.tensor.form, record.unit, record.name)
    shares = {
        "weight": {str(weight): to_lists(share) for weight, share in taken.weight_shares.items()},
        "copy": {f"{w},{c}": to_lists(share) for (w, c), share in taken.copy_shares.items()},
    }
    parts = [
        {"weight": w, "copy": c, "norm": to_lists(norms[w, c]), "values": to_lists(part)}
        for (w, c), part in taken.parts.items()
    ]
    document |= {
        "basis": taken.tensor.reduction.basis,
        "batch": list(taken.tensor.batch),
        "parts": parts,
        "shares": shares,
        "moduli": {key: to_lists(value) for key, value in taken.moduli.items()},
        "round_trip": taken.round_trip,
    }
    return document


def _say_taken(taken: Taken, verbose: bool) -> None:
    say_heading(
        taken.tensor.reduction,
        taken.tensor.form,
        taken.record.unit,
        taken.record.name,
        taken.tensor.batch,
    )
    say(*(f"note: {note}" for note in taken.notes), "")
    if taken.tensor.batch:
        _say_batch_table(taken)
    else:
        _say_parts_table(taken)
    if verbose:
        for key, part in taken.parts.items():
            _say_part(key, part, taken)
    say("", Text(_verdict(taken), style="bold"))
    if taken.moduli:
        say(_moduli_line(taken))
    say(f"put together again it differs by {taken.round_trip:.1e} of its norm")


def _say_parts_table(taken: Taken) -> None:
    letter = taken.tensor.reduction.symmetry.parity_letter
    rows = []
    for (weight, copy), part in taken.parts.items():
        rows.append(
            (
                f"X({weight},{copy})",
                f"{weight}{letter}",
                number(float(taken.norms[weight, copy]), noise=taken.noise),
                number(float(part), noise=taken.noise) if weight == 0 else "",
                percent(float(taken.weight_shares[weight])) if copy == 0 else "",
                percent(float(taken.copy_shares[weight, copy])),
            )
        )
    shares = (">share of weight", ">share of orthonormal copy")
    say_table(("part", "irrep", ">norm", ">value", *shares), rows)


def _say_batch_table(taken: Taken) -> None:
    letter = taken.tensor.reduction.symmetry.parity_letter
    rows = []
    for (weight, copy), norm in taken.norms.items():
        share = _spread(taken.weight_shares[weight], percent) if copy == 0 else ("", "", "")
        spread = _spread(norm, lambda value: number(value, noise=taken.noise))
        rows.append((f"X({weight},{copy})", f"{weight}{letter}", *spread, *share))
    heads = [f">{what} {how}" for what in ("norm", "share") for how in ("min", "mean", "max")]
    say_table(("part", "irrep", *heads), rows)
    say("", "share: of the weight, in the squared norm of the tensor")


def _spread(values: Values, written: Callable[[float], str]) -> tuple[str, str, str]:
    """Return minimum, mean and maximum; zero tensors have no shares and do not count."""
    known = values[np.isfinite(values)]
    if not known.size:
        return ("-", "-", "-")
    return written(float(known.min())), written(float(known.mean())), written(float(known.max()))


def _verdict(taken: Taken) -> str:
    """Say in one line what the tensor is made of."""
    shares = {}
    for weight, share in taken.weight_shares.items():
        known = np.asarray(share)[np.isfinite(share)]
        shares[weight] = float(known.mean()) if known.size else np.nan
    if any(np.isnan(share) for share in shares.values()):
        return "zero: no part has a share"
    present = sorted((w for w in shares if percent(shares[w]) != "0"), key=lambda w: -shares[w])
    words = [
        f"{percent(shares[w])} {f'isotropic (weight {w})' if w == 0 else f'weight {w}'}"
        for w in present
    ]
    absent = [str(weight) for weight in shares if weight not in present]
    text = ", ".join(words) + (f"; nothing of weight {', '.join(absent)}" if absent else "")
    return f"on average {text}" if taken.tensor.batch else text


def _moduli_line(taken: Taken) -> str:
    unit = f" {taken.record.unit}" if taken.record.unit else ""
    written = {
        key: " .. ".join(
            dict.fromkeys(number(float(value)) for value in (modulus.min(), modulus.max()))
        )
        for key, modulus in taken.moduli.items()
    }
    return (
        f"K = λ + 2/3 μ = {written['K']}{unit}, G = μ = {written['G']}{unit}: the Voigt averages, "
        "with λ = X(0,0), μ = X(0,1) of the dual basis"
    )


def _say_part(key: tuple[int, int], part: Values, taken: Taken) -> None:
    """Print the numbers of a part: as it is up to weight 2, else packed."""
    weight, copy = key
    packed = weight > 2
    remark = f", packed, m = -{weight} .. {weight} (rule 11)" if packed else ""
    say("", f"X({weight},{copy}){remark}")
    shown = pack_natural(part, weight) if packed else part
    say_array(shown, 1 if packed else weight, taken.noise)
