"""The command ``export``: networks for other programs, which PyTorch or a compiler runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from natural_tensors.terminal import examples_of, fail, one_of, say

from ..cpp.files import Precision
from ..prediction.predictor import load
from .app import app, check_extras
from .options import PrecisionOption

LANGUAGES = ("torch", "cpp", "kim")


@app.command(
    "export",
    epilog=examples_of(
        "carnet",
        "export runs/mine/model -o mine.pt2",
        "export runs/mine/model -o mine.pt2 --aot --precision single",
        "export elastic --target cpp -o elastic/",
        "export runs/mine/model --target kim -o mine/",
    ),
)
def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Shipped weights, or the folder of a checkpoint.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where it goes: a .pt2 file; with cpp and kim a folder.",
        ),
    ],
    language: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="LANGUAGE",
            callback=one_of(LANGUAGES),
            help="torch: a potential that PyTorch runs; cpp: any network as a C++ program; "
            "kim: a potential as a model of the KIM API, which LAMMPS runs.",
        ),
    ] = "torch",
    tensor: Annotated[
        str | None,
        typer.Option(
            "--tensor", metavar="KEY", help="With cpp: the one tensor to keep; all when left out."
        ),
    ] = None,
    name: Annotated[
        str,
        typer.Option(
            "--name", metavar="NAME", help="With cpp and kim: what files and functions are called."
        ),
    ] = "",
    aot: Annotated[
        bool,
        typer.Option(
            "--aot",
            help="With torch: compile for this processor: minutes now, faster to load and to run.",
        ),
    ] = False,
    precision: PrecisionOption = "double",
) -> None:
    """Write a network for other programs.

    With --target torch a potential in one file that PyTorch alone runs, for torch-sim and LAMMPS;
    it is compared with the network before it is kept. With --target cpp any network as a C++
    program with an interface in C and its weights beside it, which needs a compiler and nothing
    else; single or double precision is chosen when it is compiled. With --target kim the same
    program of a potential as a portable model of the KIM API, which
    kim-api-collections-management builds and LAMMPS and others run.
    """
    check_extras()
    if aot and language != "torch":
        fail(2, "--aot goes with --target torch: leave it out")
    if tensor is not None and language != "cpp":
        fail(2, "--tensor goes with --target cpp: leave it out")
    if name and language == "torch":
        fail(2, "--name goes with --target cpp and kim: leave it out")
    if language == "cpp":
        _as_cpp(model, output, tensor, name)
    elif language == "kim":
        _as_kim(model, output, name)
    else:
        _as_torch(model, output, aot, precision)


def _as_cpp(model: str, output: str, tensor: str | None, name: str) -> None:
    from ..cpp.files import ProgramError
    from ..cpp.writing import write

    predictor = load(model)
    elements = predictor.record.get("elements") or ()
    try:
        written = write(predictor.models, output, name=name, elements=elements, target=tensor)
    except ProgramError as error:
        fail(2, str(error))
    size = written.weights.stat().st_size / 1e6
    say(
        f"written to {written.source.parent}: {written.source.name}, {written.header.name}, "
        f"{written.weights.name} ({size:.1f} MB)",
        f"compile it with: c++ -std=c++17 -O3 -march=native -fopenmp -shared -fPIC "
        f"{written.source} -o {written.source.with_name('lib' + written.name + '.so')}",
    )


def _as_kim(model: str, output: str, name: str) -> None:
    from ..cpp.files import ProgramError
    from ..cpp.kim import write_portable

    predictor = load(model)
    elements = predictor.record.get("elements") or ()
    try:
        written = write_portable(predictor.models, output, name=name, elements=elements)
    except ProgramError as error:
        fail(2, str(error))
    folder = written.build.parent
    say(
        f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}",
        f"install it with: kim-api-collections-management install user {folder}",
        f"in LAMMPS: kim init {written.program.name} metal, then kim interactions with the "
        "element of each type",
    )


def _as_torch(model: str, output: str, aot: bool, precision: str) -> None:
    from ..export.exported import ExportError
    from ..export.exporting import export as to_file

    predictor = load(model, precision=cast(Precision, precision))
    try:
        exported = to_file(predictor, output, aot=aot)
    except ExportError as error:
        fail(2, str(error))
    size = Path(output).stat().st_size / 1e6
    say(str(exported), f"written to {output}: {size:.1f} MB")
