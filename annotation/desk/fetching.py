"""Fetching from the outside without opening the inside: one guarded GET.

Whoever may give the desk an address could otherwise make it ask its own machine, its neighbours or
a cloud's metadata service (server-side request forgery). So a name is resolved once, every address
it has must be public, the connection goes to exactly the address that was checked (a second look-up
might answer otherwise), and each redirect is treated as a new address. Sizes, times, ports and the
number of redirects have limits; compressed answers are refused, they could be bombs.

Keeps out: what is fetched (``annotation.desk.iiif``).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from pipelines.errors import MaterialError

_READ_BYTES = 1 << 18
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "fec0::/10")
)


class FetchRefused(MaterialError):
    """An address that is not asked, or an answer that is not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Limits of one fetch.

    Attributes:
        total_s: Seconds for one answer; each redirect is another one.
        wait_s: Seconds without a byte.
        max_redirects: Redirects that are followed.
        ports: Ports that are asked.
        allowed: Networks that are asked although they are not public: a library's own server.
    """

    total_s: float = 300.0
    wait_s: float = 20.0
    max_redirects: int = 4
    ports: frozenset[int] = frozenset({80, 443, 8080, 8182, 8443})
    allowed: tuple[Network, ...] = field(default=())


def fetch(url: str, target: BinaryIO, max_bytes: int, limits: FetchLimits) -> str:
    """Write what an address answers into an open file, and return the address it came from.

    Raises:
        FetchRefused: With ``reason`` bad_address, private_address, not_fetched or too_many_bytes.
    """
    for _ in range(limits.max_redirects + 1):
        parts = _parts(url, limits)
        with _answer(parts, limits) as answer:
            if answer.status in _REDIRECTS:
                url = urljoin(url, answer.headers.get("location", ""))
                continue
            if answer.status != 200:
                raise FetchRefused(
                    f"{_shown(url)} answered {answer.status}. Check the address in a browser.",
                    reason="not_fetched",
                )
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise FetchRefused(
                    f"{_shown(url)} answers compressed although it was asked not to.",
                    reason="not_fetched",
                )
            _copy(answer, target, max_bytes, url)
            return url
    raise FetchRefused(
        f"{_shown(url)}: more than {limits.max_redirects} redirects. Give the last address itself.",
        reason="not_fetched",
    )


def public_addresses(host: str, port: int, limits: FetchLimits) -> list[str]:
    """The addresses of a host, all of which may be asked.

    Raises:
        FetchRefused: If it has none, or one that is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchRefused(
            f"The name {host[:100]!r} has no address. Check how it is written.",
            reason="not_fetched",
        ) from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address, limits.allowed):
            raise FetchRefused(
                f"{host[:100]!r} lies at {address}, inside a private network; the desk asks public "
                f"addresses only. Download the files yourself and bring them.",
                reason="private_address",
            )
    return list(dict.fromkeys(addresses))


def is_public(text: str, allowed: tuple[Network, ...] = ()) -> bool:
    """Whether an address belongs to the public internet, whatever it is wrapped in."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    address = _unwrapped(address)
    if any(address in network for network in allowed):
        return True
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or any(address in network for network in _NEVER)
    )


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, compatible, NAT64, 6to4 or Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    is_wrapped = address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if is_wrapped else address


def _parts(url: str, limits: FetchLimits) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        host.encode("idna")
    except ValueError:
        raise _bad(url, "it cannot be understood") from None
    if parts.scheme not in {"http", "https"}:
        raise _bad(url, "it does not begin with http:// or https://")
    if not host or parts.username is not None or parts.password is not None:
        raise _bad(url, "it names no host, or a user")
    if any(ord(sign) <= 32 or ord(sign) == 127 for sign in url) or "\\" in url:
        raise _bad(url, "it holds blanks, control characters or backslashes")
    # A server of one's own network that was allowed by hand may listen anywhere.
    if port not in limits.ports and not limits.allowed:
        raise _bad(url, f"port {port} is none of {sorted(limits.ports)}")
    return parts


def _bad(url: str, why: str) -> FetchRefused:
    return FetchRefused(f"{_shown(url)} is not asked: {why}.", reason="bad_address")


def _shown(url: str) -> str:
    return url[:200].encode("unicode_escape").decode("ascii")


@contextmanager
def _answer(parts: SplitResult, limits: FetchLimits) -> Iterator[http.client.HTTPResponse]:
    host = (parts.hostname or "").encode("idna").decode("ascii")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    address = public_addresses(host, port, limits)[0]
    try:
        connected = socket.create_connection((address, port), timeout=limits.wait_s)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connected = context.wrap_socket(connected, server_hostname=host)
    except OSError as error:
        raise _broken(host, error) from None
    # A server that drips a byte now and then would keep us beyond every single time-out.
    alarm = threading.Timer(limits.total_s, _cut, [connected])
    alarm.daemon = True
    alarm.start()
    connection = http.client.HTTPConnection(host, port, timeout=limits.wait_s)
    connection.sock = connected
    with closing(connection):
        try:
            headers = {"Accept-Encoding": "identity", "User-Agent": "beitie", "Accept": "*/*"}
            connection.request("GET", target, headers=headers)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise _broken(host, error) from None
        finally:
            alarm.cancel()


def _cut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended by itself
        return


def _broken(host: str, error: Exception) -> FetchRefused:
    said = str(error) or type(error).__name__
    return FetchRefused(
        f"{host} did not answer as expected ({said[:200]}). Try again later, or download the files "
        f"yourself and bring them.",
        reason="not_fetched",
    )


def _copy(answer: http.client.HTTPResponse, target: BinaryIO, max_bytes: int, url: str) -> None:
    size = 0
    while part := answer.read(_READ_BYTES):
        size += len(part)
        if size > max_bytes:
            raise FetchRefused(
                f"{_shown(url)} sends more than the {max_bytes} bytes that are taken.",
                reason="too_many_bytes",
            )
        target.write(part)
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and int(announced) != size:
        raise FetchRefused(
            f"{_shown(url)} broke off after {size} of {announced} bytes. Try again.",
            reason="not_fetched",
        )
