"""What stands before every page: known host names only, and headers that keep browsers strict.

A page of another site that makes its own name resolve to 127.0.0.1 would otherwise be one of ours
to the browser (DNS rebinding); so a request must name a host that we were started for. Nothing
inline runs, nothing is framed, nothing is fetched from elsewhere, and no picture is taken for
anything but a picture.

Keeps out: sessions and forms (``annotation.desk.doors``).
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Armour:
    """ASGI middleware that refuses unknown hosts and sets :data:`HEADERS` on every answer."""

    def __init__(self, app: ASGIApp, host_names: Collection[str]) -> None:
        self.app = app
        self.host_names = frozenset(name.lower() for name in host_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self.host_names:
            known = ", ".join(sorted(self.host_names))
            refusal = PlainTextResponse(
                f"This desk answers under {known} only. Start it with --host-name for another.",
                status_code=421,
            )
            await refusal(scope, receive, send_armoured)
            return
        await self.app(scope, receive, send_armoured)


def host_name(host: str) -> str:
    """The name in a Host header without its port, in small letters."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()
