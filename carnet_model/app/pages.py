"""The pages: the app itself, what it loads, and the description of the API for people."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from natural_tensors import __version__

STATIC = Path(str(files(__package__))) / "static"
REPORT = Path(str(files("natural_tensors.report")))
"""Style and surfaces are those of the report."""

SHARED = {"style.css": "text/css", "surfaces.js": "text/javascript"}


class Revalidated(StaticFiles):
    """Files that a browser keeps, but asks about each time: another version may be running."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or that it has not changed."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def add_pages(app: FastAPI) -> None:
    """Add the pages to the application that answers the API."""

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api", include_in_schema=False)
    def description() -> HTMLResponse:
        return HTMLResponse(describe(app.openapi()))

    @app.get("/report/{name}", include_in_schema=False)
    def shared(name: str) -> Response:
        if name not in SHARED:
            return Response(status_code=404)
        return FileResponse(
            REPORT / name, media_type=SHARED[name], headers={"cache-control": "no-cache"}
        )

    app.mount("/static", Revalidated(directory=STATIC))


def describe(schema: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document: a section for each request, nothing to load."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = files(__package__).joinpath("api.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        schema=schema, requests=list(_requests(schema)), version=__version__
    )


def _requests(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in schema["paths"].items():
        for method, about in methods.items():
            yield {
                "method": method.upper(),
                "path": path,
                "summary": about.get("summary", ""),
                "description": about.get("description", "").replace("`", ""),
                "fields": list(_fields(schema, about)),
                "answers": {
                    status: each["description"] for status, each in about["responses"].items()
                },
            }


def _fields(schema: dict[str, Any], about: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the fields of a request: those of the path, then those of its form."""
    for each in about.get("parameters", ()):
        yield {"name": each["name"], "about": "in the path", "values": "text"}
    content = about.get("requestBody", {}).get("content", {})
    for media, body in content.items():
        name = body["schema"]["$ref"].rpartition("/")[2]
        for field, each in schema["components"]["schemas"][name]["properties"].items():
            values = ", ".join(map(str, each.get("enum", ()))) or each.get("type", "")
            if "default" in each:
                values += f"; {each['default']!r} when left out"
            words = f"{each.get('description', '')} ({media})".strip()
            yield {"name": field, "about": words.replace("`", ""), "values": values}
