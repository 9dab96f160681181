"""The server: the application, the address it listens at, and what it says of that."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address

import anyio
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from natural_tensors import limits
from natural_tensors.errors import InputError

from ..prediction import predictor
from .api import create_api
from .guard import LOOPBACK, Guard
from .pages import add_pages
from .work import Setting
from .workers import Workers

SMALLER: dict[limits.Name, int] = {
    "file": 100_000_000,
    "atoms": 20_000,
    "bonds": 300_000,
    "pairs": 3_000_000,
}
"""Limits that the app lowers, unless they were changed: several requests share one machine."""

MOST_CONNECTIONS = 200
"""Open at once; the server itself refuses more."""


class AddressError(InputError):
    """An address that cannot be listened at."""


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Attributes:
        host: name or number of the machine's interface.
        port: 0 takes one that is free.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def names(self) -> tuple[str, ...]:
        """What browsers may call it; none for any name, where other machines may reach it."""
        if not self.is_loopback:
            return ()
        return (*LOOPBACK, f"[{self.host}]" if ":" in self.host else self.host)

    def listen(self) -> socket.socket:
        """Return a socket that listens.

        Raises:
            AddressError: when the host is none of this machine, or the port is taken or closed.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            socket.getaddrinfo(self.host, self.port)
            return socket.create_server((self.host, self.port), family=family, backlog=512)
        except socket.gaierror:
            raise AddressError(
                f"--host {self.host}: no such name\n"
                "give a name or number of this machine, such as 127.0.0.1"
            ) from None
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "another program listens there" if taken else (error.strerror or str(error))
            raise AddressError(
                f"{self.host}, port {self.port}: {reason}\n"
                "choose another port by --port N; 0 takes one that is free"
            ) from None


def default_workers() -> int:
    """Return how many requests are worked on at once, unless told: two, if there are two cores."""
    return min(2, os.cpu_count() or 1)


def create_app(model: str, address: Address, workers: int) -> ASGIApp:
    """Return the application, guarded.

    Args:
        model: shipped weights, or the folder of a checkpoint.
        address: where it will listen.
        workers: how many requests are worked on at once.

    Raises:
        ModelError: when there is no such model.
    """
    predictor.found(model)
    limits.lower(SMALLER)
    threads = max(1, (os.cpu_count() or 1) // workers)
    now: dict[str, int] = {each.name: limits.limit(each.name) for each in limits.TABLE}
    staff = Workers(Setting(model, threads, now), workers)

    @asynccontextmanager
    async def warm(app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(staff.warm)
            yield
            group.cancel_scope.cancel()

    app = create_api(staff, warm)
    add_pages(app)
    return Guard(app, address.names)


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer requests until the process is interrupted, which is how it ends."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
