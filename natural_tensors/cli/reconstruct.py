"""The command that puts tensors together from their parts: reconstruct."""

from __future__ import annotations

from typing import Annotated, cast

import numpy as np
import typer

from ..arrays import to_lists
from ..decomposition.components import FORMS, Form
from ..errors import SymmetryError
from ..exact.symbols import Expressions
from ..files import reading, records, saving, writing
from ..files.records import Values
from ..files.saving import FileError
from ..formatting import number
from ..plane import reductions as plane_reductions
from ..terminal import RefusedError, examples_of, one_of, say, say_json, say_table, warn
from .app import app
from .exact import exact_rows, say_exact_heading, say_exact_tensor
from .expressions import entries_of, listed, symbols_of, to_strings
from .options import JsonOption, OutputOption
from .printing import ROUNDING, say_array, say_heading


@app.command(
    epilog=examples_of(
        "natural-tensors",
        "reconstruct parts.json",
        "reconstruct parts.json --form full -o tensor.npy",
        "reconstruct parts.json --json",
    )
)
def reconstruct(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON that decompose wrote; - reads stdin.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--form",
            metavar="FORM",
            callback=one_of(("auto", *FORMS)),
            help=f"How to write the tensor: {', '.join(FORMS)}; auto is as it was read.",
        ),
    ] = "auto",
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Put a tensor together again from its parts.

    The suffix of the output file names its format: .json, .npy, .csv or .txt. Parts of expressions
    give expressions, in .json and .csv.
    """
    if output is not None:
        saving.check_suffix(output, writing.ARRAY_SUFFIXES)
    record = reading.read_parts(file, plane_reductions.reduction)
    reduction = record.reduction
    written_as = record.form or reduction.voigt_form or "full"
    if form != "auto":
        written_as = cast("Form", form)
    values = _put_together(record, written_as)
    absent = [
        f"({space.weight}, {copy})"
        for space in reduction.spaces
        for copy in range(space.multiplicity)
        if (space.weight, copy) not in record.parts
    ]
    if absent:
        warn("note", f"{file} holds no part {', '.join(absent)}: taken as zero", "bold yellow")
    if record.is_exact:
        _deliver_exact(record, written_as, entries_of(values), as_json, output)
        return
    document = writing.about(reduction, written_as, record.unit, record.name)
    document["tensor"] = to_lists(values)
    if output is not None:
        writing.write_tensor(output, document, values)
    if as_json:
        say_json(document)
        return
    size = reduction.components.layout(written_as).shape
    batch = values.shape[: values.ndim - len(size)]
    say_heading(reduction, written_as, record.unit, record.name, batch)
    say("")
    noise = ROUNDING * float(np.finfo(values.dtype).eps) * float(np.abs(values).max())
    if written_as == "components" and not batch:
        labels = reduction.components.labels
        numbers = [number(float(value), noise=noise) for value in values]
        say_table(("component", ">value"), zip(labels, numbers, strict=True))
    else:
        say_array(values, len(size), noise)
    if output is not None:
        say("", f"wrote {output}")


def _deliver_exact(
    record: records.PartsRecord,
    form: Form,
    values: Expressions,
    as_json: bool,
    output: str | None,
) -> None:
    """Write and print a tensor of expressions."""
    reduction = record.reduction
    document = writing.about(reduction, form, record.unit, record.name)
    document |= {"symbols": symbols_of(listed(values)), "tensor": to_strings(values)}
    if output is not None:
        saving.check_suffix(output, (".json", ".csv"))
        if output.lower().endswith(".json"):
            writing.write_json(output, document)
        else:
            saving.write_bytes(output, (exact_rows(output, values) + "\n").encode())
    if as_json:
        say_json(document)
        return
    size = len(reduction.components.layout(form).shape)
    batch = values.shape[: values.ndim - size]
    symbols = document["symbols"]
    say_exact_heading(reduction, form, record.unit, record.name, batch, symbols)
    say("")
    say_exact_tensor(reduction, form, values)
    if output is not None:
        say("", f"wrote {output}")


def _put_together(record: records.PartsRecord, form: Form) -> Values:
    reduction = record.reduction
    try:
        reduction.components.layout(form)
    except SymmetryError as error:
        raise FileError(f"{record.origin}: {error}") from None
    try:
        return cast("Values", reduction.reconstruct(record.parts, form=form))
    except SymmetryError as error:
        raise RefusedError(
            f"{record.origin}: {str(error).partition('; use invalid=')[0]}"
        ) from None
    except (KeyError, ValueError) as error:
        raise FileError(f"{record.origin}: {error.args[0]}") from None
