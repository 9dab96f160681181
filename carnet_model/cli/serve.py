"""The command ``app``: a page in the browser, and the same as a JSON API."""

from __future__ import annotations

from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say, warn

from .app import app, check_extras
from .options import ModelOption


@app.command(
    "app",
    epilog=examples_of("carnet", "app", "app --port 9000", "app --model runs/mine/model"),
)
def serve(
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="HOST",
            help="Where to listen: 127.0.0.1 for this machine alone, 0.0.0.0 for all networks.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes one that is free."),
    ] = 8000,
    model: ModelOption = "elastic",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="N", min=1, max=64, help="Requests worked on at once; 2 if none."
        ),
    ] = None,
) -> None:
    """Serve a page: drop a structure or a tensor, see it, its moduli, surfaces and symmetry.

    The page asks nothing of other machines. /api describes the same for programs.
    """
    check_extras("matplotlib", "jinja2", "fastapi", "uvicorn", "python_multipart")
    from ..app.server import Address, create_app, default_workers, serve

    address = Address(host, port)
    with address.listen() as listening:
        name = f"[{host}]" if ":" in host else host
        say(f"http://{name}:{listening.getsockname()[1]}/  (Ctrl-C ends it)")
        if not address.is_loopback:
            warn(
                "warning",
                "every machine that reaches this one can use it: it has no passwords",
                "bold yellow",
            )
        serve(create_app(model, address, workers or default_workers()), listening)
