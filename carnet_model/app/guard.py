"""What stands before every request: its size, its time, its origin; headers on the way out.

The app answers programs and pages of its own machine, and no other site: a page elsewhere cannot
read it (the policies below), reach it under a name of its own (the host), or make it work (the
origin).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from natural_tensors import limits

from .answers import Answer, refused

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a page of the app may load: what the app itself serves. Browsers enforce it."""

HEADERS: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
"""Names of this machine, for itself."""

OWN_SITES: Final = ("none", "same-origin")
"""What browsers say of a request that a person typed, or a page of the app made."""

SLOWEST: Final = 30.0
"""Seconds within which a request must have arrived."""


class _RefusedError(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def response_of(answer: Answer) -> Response:
    """Return an answer as Starlette sends it; who is refused for now is told when to ask again."""
    wait = {"retry-after": "5"} if answer.status == 503 else None
    return Response(answer.body, answer.status, wait, answer.media)


class Guard:
    """Middleware that refuses what is too large, too slow or from elsewhere.

    Args:
        app: what is guarded.
        hosts: names by which browsers may call the app, without the port; none for all.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            self._check(scope["method"], Headers(scope=scope))
            body = await _whole(receive)
        except _RefusedError as error:
            await response_of(error.answer)(scope, receive, with_headers)
            return
        await self.app(scope, _Replay(body, receive), with_headers)

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self.hosts and name not in self.hosts:
            raise _RefusedError(
                refused(
                    f"the app is not called {name!r}\nopen it as {' or '.join(sorted(self.hosts))}",
                    421,
                )
            )
        follows_a_link = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if not follows_a_link and headers.get("sec-fetch-site", "none") not in OWN_SITES:
            raise _RefusedError(
                refused("a page of another site asked\nonly the app's own pages may ask it", 403)
            )
        length = headers.get("content-length", "0")
        _check_size(int(length) if length.isdecimal() else 0)


def _check_size(size: int) -> None:
    most = limits.limit("upload")
    if size > most:
        raise _RefusedError(
            refused(limits.refusal("upload", size, f"a request of {size:,} bytes"), 413)
        )


async def _whole(receive: Receive) -> bytes:
    """Return the content of a request; a slow one, or one that is too large, is refused."""
    pieces: list[bytes] = []
    size = 0
    try:
        with anyio.fail_after(SLOWEST):
            while True:
                message = await receive()
                piece: bytes = message.get("body", b"")
                pieces.append(piece)
                size += len(piece)
                _check_size(size)
                if not message.get("more_body"):
                    return b"".join(pieces)
    except TimeoutError:
        raise _RefusedError(
            refused(f"it did not arrive within {SLOWEST:g} seconds\nsend it again", 408)
        ) from None


class _Replay:
    """Gives the content that has arrived, then what else the connection says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body: bytes | None = body
        self.receive = receive

    async def __call__(self) -> Message:
        if self.body is None:
            return await self.receive()
        body, self.body = self.body, None
        return {"type": "http.request", "body": body, "more_body": False}
