"""The API: what can be asked over HTTP, each with its description for OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from natural_tensors import CONVENTIONS, __version__

from ..structures.symmetry import FrameName
from . import crystals
from .answers import Answer, refused
from .citations import bibtex
from .guard import response_of
from .questions import Question, Upload
from .workers import Workers

DESCRIPTION = """\
The tensors of crystals from their structures, on this machine alone. An error is an object with
`error`, what is wrong, and `remedy`, what helps; its status is 4xx, or 5xx where the fault is not
of the request: 503 when too many wait, 504 when it took too long.
"""


class Refusal(BaseModel):
    """An error."""

    error: str
    remedy: str


REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": words}
    for status, words in (
        (408, "it did not arrive in time"),
        (413, "it is too large"),
        (422, "it cannot be read, or not be predicted"),
        (503, "too many requests wait"),
        (504, "it took too long"),
    )
}

FileField = Annotated[
    UploadFile, File(description="CIF, POSCAR, extended XYZ, JSON, an ASE database; or a tensor.")
]
FrameField = Annotated[
    FrameName, Form(description="The axes of the tensor: see `carnet predict --help`.")
]
EntryField = Annotated[int, Form(ge=0, description="Which structure of the file, from 0.")]
KindField = Annotated[
    str, Form(max_length=100, description="Of a tensor: its name or index symmetry.")
]
GroupField = Annotated[
    str, Form(max_length=40, description="Of a tensor: the point group, in its standard axes.")
]


async def _upload(file: UploadFile) -> Upload:
    return Upload(file.filename or "", await file.read())


async def _of_one(
    file: FileField,
    frame: FrameField = "structure",
    entry: EntryField = 0,
    kind: KindField = "",
    group: GroupField = "",
) -> Question:
    """Return the question about one structure or tensor of a file."""
    upload = await _upload(file)
    return Question(upload, frame, entry=entry, kind=kind.strip(), group=group.strip())


OneOfAFile = Annotated[Question, Depends(_of_one)]


def create_api(workers: Workers, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the application that answers requests by workers.

    Args:
        workers: who do the work.
        lifespan: what goes on as long as it runs.
    """
    app = FastAPI(
        title="carnet app",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # they would be fetched from elsewhere; pages.py serves one
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(Exception, _unforeseen)
    app.include_router(_of_files(workers))
    app.include_router(_of_the_app(workers))
    return app


def _of_files(workers: Workers) -> APIRouter:
    """Return what is asked about a file."""
    router = APIRouter(prefix="/api", responses={**REFUSED})

    @router.post("/predict", summary="Predict the tensors of the structures in a file")
    async def predict(
        file: FileField,
        frame: FrameField = "structure",
        format: Annotated[Literal["json", "csv", "extxyz"], Form()] = "json",  # noqa: A002 - as the option
    ) -> Response:
        """Answer what `carnet predict --format json` (csv, extxyz) prints.

        A structure that cannot be predicted has `error` and `remedy` in its place; the status is
        422 when none could.
        """
        return await _asked(workers, "predict", Question(await _upload(file), frame, format))

    @router.post("/view", summary="All that the page shows of one structure or tensor")
    async def view(question: OneOfAFile) -> Response:
        """Answer structure, tensor, moduli, surfaces and point-group form as JSON."""
        return await _asked(workers, "view", question)

    @router.post("/report", summary="The report of one structure or tensor")
    async def report(question: OneOfAFile) -> Response:
        """Answer the page that `carnet report` writes: one HTML file that needs no network."""
        return await _asked(workers, "report", question)

    @router.post("/decompose", summary="Take a tensor apart")
    async def decompose(
        matrix: Annotated[
            str,
            Form(description="Rows of numbers or of expressions such as (C11-C12)/2, or JSON."),
        ],
        kind: KindField = "",
        project: Annotated[bool, Form(description="Symmetrize it first.")] = False,
    ) -> Response:
        """Answer its parts, their shares of the squared norm, and the formulas in LaTeX."""
        name = "matrix.json" if matrix.lstrip()[:1] in ("[", "{") else "matrix.csv"
        upload = Upload(name, matrix.encode(errors="replace"))
        question = Question(upload, kind=kind.strip(), project=project)
        return await _asked(workers, "decompose", question)

    return router


def _of_the_app(workers: Workers) -> APIRouter:
    """Return what is asked about the app and what comes with it."""
    router = APIRouter(prefix="/api")

    @router.get("/crystals", summary="The crystals that come with the package")
    def listed() -> list[crystals.Shipped]:
        """Answer their names, in the order of the list on the page."""
        return crystals.shipped()

    @router.get("/crystals/{name}", summary="One of them, as a file", responses={404: REFUSED[422]})
    def crystal(name: str) -> Response:
        """Answer a structure, or a tensor, as JSON that the other requests take as a file."""
        return response_of(crystals.content(name))

    @router.get("/about", summary="Versions, weights, what to cite")
    def about() -> dict[str, str | int]:
        """Answer what stands behind the numbers."""
        return {
            "natural_tensors": __version__,
            "conventions": CONVENTIONS,
            "model": workers.setting.model,
            "workers": workers.count,
            "waiting": workers.waiting,
            "bibtex": bibtex(workers.setting.model),
        }

    return router


async def _asked(workers: Workers, job: str, question: Question) -> Response:
    return response_of(await workers.ask(job, question))


# --- requests that are wrong ----------------------------------------------------------------------


async def _invalid(request: Request, error: Exception) -> Response:
    """Say what is wrong with the fields of a request as all errors are said."""
    assert isinstance(error, RequestValidationError)
    lines = []
    for each in error.errors():
        where = ".".join(map(str, each["loc"][1:])) or "the content"
        lines.append(f"{where}: {each['msg']}".replace("Input should be", "allowed:"))
    return response_of(refused("\n".join([*lines, "GET /api lists the fields"])))


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer: Answer = refused(
        f"{request.method} {request.url.path[:100]}: {error.detail}\nGET /api lists what there is",
        error.status_code,
    )
    return response_of(answer)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return response_of(
        refused(
            f"the app failed: {type(error).__name__}\nthe terminal of carnet app says where", 500
        )
    )
