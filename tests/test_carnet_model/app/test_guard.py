"""What stands before every request: hosts, origins, sizes, times; headers on every answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from carnet_model.app import guard
from carnet_model.app.guard import HEADERS, LOOPBACK, Guard
from natural_tensors import limits


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def client(hosts: tuple[str, ...] = LOOPBACK, base: str = "http://127.0.0.1:8000") -> TestClient:
    inner = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    return TestClient(Guard(inner, hosts), base_url=base)


@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_every_answer_has_the_headers(path: str) -> None:
    headers = client().get(path).headers
    assert {key: headers[key] for key in HEADERS} == HEADERS
    assert headers["cache-control"] == "no-store"


def test_the_policy_lets_nothing_come_from_elsewhere_nor_run_inline() -> None:
    policy = dict(part.strip().split(" ", 1) for part in guard.POLICY.split(";"))
    assert policy["default-src"] == "'none'"
    for directive in policy.values():
        assert set(directive.split()) <= {"'none'", "'self'", "data:", "blob:"}
    assert policy["script-src"] == "'self'"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000"])
def test_the_machine_itself_is_answered(host: str) -> None:
    assert client().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", ""])
def test_other_names_are_refused_so_that_no_site_can_pose_as_this_one(host: str) -> None:
    answer = client().get("/", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["remedy"].startswith("open it as")


def test_where_other_machines_may_come_any_name_will_do() -> None:
    assert client(()).get("/", headers={"host": "lab.example"}).status_code == 200


@pytest.mark.parametrize(("site", "status"), [
    ("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200),
])  # fmt: skip
def test_pages_of_other_sites_cannot_make_it_work(site: str, status: int) -> None:
    answer = client().post("/", content=b"x", headers={"sec-fetch-site": site})
    assert answer.status_code == status


def test_a_link_of_another_site_may_be_followed_but_not_sent_with_content() -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client().get("/", headers=headers).status_code == 200
    assert client().post("/", content=b"x", headers=headers).status_code == 403


@pytest.fixture
def small() -> Iterator[None]:
    with limits.changed(upload=1_000):
        yield


@pytest.mark.usefixtures("small")
def test_what_is_too_large_is_refused_by_its_header_and_by_its_bytes() -> None:
    def stream(size: int) -> Iterator[bytes]:
        for _ in range(size // 100):
            yield b"x" * 100

    assert client().post("/", content=b"x" * 1_000).text == "1000"
    for content in (b"x" * 1_001, stream(1_100)):
        answer = client().post("/", content=content)
        assert answer.status_code == 413
        assert "more than the limit upload of 1,000 bytes" in answer.json()["error"]
        assert "--limit upload=" in answer.json()["remedy"]


def test_a_header_that_lies_about_the_size_changes_nothing() -> None:
    answer = client().post("/", content=b"abc", headers={"content-length": "many"})
    assert answer.status_code == 200


@pytest.mark.anyio
async def test_what_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    monkeypatch.setattr(guard, "SLOWEST", 0.05)
    sent: list[dict[str, object]] = []

    async def never() -> dict[str, object]:
        await anyio.sleep_forever()
        return {}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def inner(*_: object) -> None:
        raise AssertionError("it must not be asked")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
    await Guard(inner, LOOPBACK)(scope, never, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["remedy"] == "send it again"  # type: ignore[arg-type]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
