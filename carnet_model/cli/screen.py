"""The command ``screen``: tensors of any number of structures, into a folder of Parquet."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, cast, get_args

import typer

from natural_tensors.terminal import examples_of, one_of, say, warn

from ..compiled.mode import Mode
from ..screening import run, telling
from ..screening.run import Progress
from ..structures.symmetry import FRAMES
from .app import app, check_extras
from .interruption import EXIT_CODE, interruptible
from .options import ModelOption, PrecisionOption, TargetOption, share_of
from .screen_results import show_selection, show_summary

LOGS = ("text", "json")
STYLE = "bold yellow"

EVERY = 10.0
"""Seconds between two lines of progress; a terminal is told five times a second."""


@app.command(
    "screen",
    epilog=examples_of(
        "carnet",
        "screen structures/ -o results",
        "screen mp.json.gz more.extxyz -o results --workers 2 --program always",
        "screen all.jsonl -o results --shard 3/100",
        "screen --summary results",
        'screen --filter "bulk > 300 and stable" results',
    ),
)
def screen(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Folders, extended XYZ, JSON, JSON lines, Parquet, ASE databases, zip, tar, "
            "OPTIMADE; with --summary and --filter a folder of results.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder of the results, new or to go on with; with --filter a file, .parquet or "
            ".csv.",
        ),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Say what a folder of results holds.")
    ] = False,
    condition: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="CONDITION",
            help="Rows of a folder of results: 'bulk > 300 and stable'.",
        ),
    ] = None,
    model: ModelOption = "elastic",
    target: TargetOption = None,
    precision: PrecisionOption = "single",
    frame: Annotated[
        str,
        typer.Option(
            "--frame", metavar="FRAME", callback=one_of(FRAMES), help=f"{', '.join(FRAMES)}."
        ),
    ] = "structure",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Predict also what is no crystal.")
    ] = False,
    program: Annotated[
        str,
        typer.Option(
            "--program",
            metavar="WHEN",
            callback=one_of(get_args(Mode)),
            help="Compute by the C++ program of the model: auto, where it is built (carnet build) "
            "or as the folder was begun; always, building it; never, by PyTorch.",
        ),
    ] = "auto",
    workers: Annotated[
        int,
        typer.Option(
            "--workers", "-w", metavar="N", min=0, help="Processes; 0 computes in this one."
        ),
    ] = 1,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="ADDRESS", help="Workers are actors of this Ray cluster; or: local."
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Do one share of the parts only."),
    ] = None,
    part: Annotated[
        int, typer.Option("--part", metavar="N", min=1, help="Most structures of a Parquet file.")
    ] = 256,
    log: Annotated[
        str,
        typer.Option(
            "--log",
            metavar="FORM",
            callback=one_of(LOGS),
            help="Progress as text, or lines of json.",
        ),
    ] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Predict the tensors of any number of structures, and go on where a run was stopped.

    Every structure becomes a row of the table of predictions or of failures. What is done is kept,
    whatever ends the run; the same command does the rest. The exit code is 0 when all is done, 1
    when nothing could be predicted, 130 after an interruption, 2 for bad usage, input or a disk
    that is full.
    """
    if summary or condition is not None:
        _look(inputs, output, summary, condition, log)
        return
    if output is None:
        raise typer.BadParameter("name the folder of the results by -o FOLDER")
    check_extras("pyarrow", *(["ray"] if ray is not None else []))
    settings = run.settings_for(
        model,
        output,
        program=cast(Mode, program),
        target=target,
        precision=precision,
        frame=frame,
        anyway=anyway,
        part=part,
    )
    share = None if shard is None else share_of("--shard", shard)
    tell = _Teller(output, log, quiet)
    progress = None
    try:
        with interruptible():
            for progress in run.screen(inputs, settings, workers=workers, ray=ray, shard=share):
                tell(progress)
    except KeyboardInterrupt:
        if progress is not None:
            tell.end(progress, "interrupted")
        raise typer.Exit(EXIT_CODE) from None
    assert progress is not None
    tell.end(progress, "done")
    if progress.documents and not progress.predicted:
        raise typer.Exit(1)


def _look(
    inputs: list[str], output: str | None, summary: bool, condition: str | None, log: str
) -> None:
    """Say what a folder of results holds."""
    if len(inputs) != 1 or (summary and (condition is not None or output is not None)):
        raise typer.BadParameter(
            "--summary takes one folder of results, --filter one and perhaps -o FILE"
        )
    check_extras("pyarrow")
    if condition is None:
        show_summary(inputs[0], as_json=log == "json")
    else:
        show_selection(inputs[0], condition, output)


class _Teller:
    """Says how far a screening is: text on standard error, lines of JSON on standard output."""

    def __init__(self, folder: str, log: str, quiet: bool) -> None:
        self.folder, self.json, self.quiet = folder, log == "json", quiet
        self.live = sys.stderr.isatty() and not self.json
        self.next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Tell of a part, but not too often; of what killed a worker at once."""
        if progress.crashed and not self.json:
            for name in progress.crashed:
                warn("warning", f"{name}: no worker survives it; it is among the failures", STYLE)
        begins = not progress.documents
        if self.quiet or (time.monotonic() < self.next and not begins and not progress.crashed):
            return
        self.next = time.monotonic() + (EVERY / 50 if self.live else EVERY)
        if self.json:
            self._write(progress, "begin" if begins else "progress")
        elif self.live:
            print(f"\r\x1b[2K{telling.as_text(progress)}", end="", file=sys.stderr, flush=True)
        else:
            print(telling.as_text(progress), file=sys.stderr, flush=True)

    def end(self, progress: Progress, event: str) -> None:
        """Tell how it ended."""
        if self.live and not self.quiet:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
        if self.json:
            self._write(progress, event)
            return
        done = progress.before + progress.documents
        count = f"{progress.predicted:,} structures predicted, {progress.failed:,} failed"
        if event != "done":
            kept = f"what is done is in {self.folder}; the same command does the rest"
            warn("error", f"interrupted at {done:,} of {progress.total:,}: {count}\n{kept}", STYLE)
        elif not self.quiet:
            before = f"; {progress.before:,} were done before" if progress.before else ""
            took = telling.duration(progress.seconds)
            say(f"{count} in {took}{before}: {self.folder}")

    def _write(self, progress: Progress, event: str) -> None:
        print(json.dumps(telling.as_record(progress, event)), flush=True)
