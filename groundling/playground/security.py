"""What guards the playground: who may ask (hosts, origins), and which files may be read.

A page of another site can make a browser send requests here: by a name that leads to this machine (DNS rebinding), or
by a websocket, which browsers let any page open. So requests must name this machine as their host, and come from a
page of this very server.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundling.playground.errors import PlaygroundError

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
EVERY_ADDRESS: Final = ("0.0.0.0", "::")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
REFUSED: Final = 4403  # the code of a websocket that is closed


class Guard:
    """Refuses requests that are not of a page of this server.

    Args:
        app: what is guarded.
        hosts: names of this machine that requests may have; numbers of addresses are allowed where the server listens
            on all of them.
        any_address: whether it does.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOOPBACK, *, any_address: bool = False) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        reason = self.objection(headers.get("host", ""), headers.get("origin"), headers.get("sec-fetch-site"), scope)
        if reason and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": REFUSED, "reason": reason})
        elif reason:
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)
        else:
            await self._app(scope, receive, self._with_headers(send) if scope["type"] == "http" else send)

    def objection(self, host: str, origin: str | None, site: str | None, scope: Scope) -> str:
        """Why a request is refused; empty if it is not.

        Args:
            host: of the request, with its port.
            origin: the page that it comes from, as browsers tell; None if it does not say.
            site: how browsers classify that page; None if they do not.
            scope: of the request.
        """
        if not self._is_ours(host):
            return "this name is not one of this machine's: open the playground by the address that it printed"
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if origin is not None:
            if _part(origin, "netloc").lower() != host.lower():
                return "another site asks: only pages of this server may"
        elif changes and site not in (None, "same-origin", "none"):
            return "another site asks: only pages of this server may"
        if changes or site in (None, "same-origin", "none"):
            return ""
        is_page = scope["path"] == "/" and site in ("cross-site", "same-site")  # a link that somebody sent
        return "" if is_page else "another site asks: only pages of this server may"

    def _is_ours(self, host: str) -> bool:
        name = _part(f"//{host}", "hostname")
        if name in self._hosts:
            return True
        return self._any_address and _is_number(name)

    def _with_headers(self, send: Send) -> Send:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                own: Any = message.setdefault("headers", [])
                own.extend((name.encode(), value.encode()) for name, value in HEADERS.items())
            await send(message)

        return send_with


def hosts_for(host: str) -> tuple[tuple[str, ...], bool]:
    """The names that requests may have where the server listens on a host, and whether numbers of addresses are."""
    if host in EVERY_ADDRESS:
        import socket

        return (*LOOPBACK, socket.gethostname().lower()), True
    return (*LOOPBACK, host.lower()), False


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def inside(root: Path, told: str) -> Path:
    """A path below a folder that a page names.

    Args:
        root: the folder.
        told: relative to it; empty is the folder itself.

    Raises:
        PlaygroundError: if it leads out of the folder, links included.
    """
    if "\0" in told or len(told) > 1000:
        raise PlaygroundError("this is no path")
    base = root.resolve()
    found = (base / told).resolve()
    if found != base and base not in found.parents:
        raise PlaygroundError("this path leads out of its folder")
    return found


def _part(address: str, name: str) -> str:
    """A part of an address; empty where it has none, or is none."""
    try:
        return getattr(urlsplit(address), name) or ""
    except ValueError:  # "[::1"
        return ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
