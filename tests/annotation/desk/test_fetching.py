"""The guard before every outgoing request: addresses, redirects, sizes, and a real server."""

import http.server
import io
import ipaddress
import socket
import threading
from contextlib import contextmanager

import pytest

from annotation.desk.fetching import FetchLimits, FetchRefused, fetch, is_public, public_addresses

LOCAL = FetchLimits(allowed=(ipaddress.ip_network("127.0.0.1/32"),), wait_s=5, total_s=5)

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_inside_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2002:101:101::"]
)
def test_an_address_outside_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "::1"])
def test_other_spellings_of_this_machine_are_seen_through(host):
    with pytest.raises(FetchRefused) as refused:
        public_addresses(host, 80, FetchLimits())
    assert refused.value.reason in {"private_address", "not_fetched"}


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    def answers(*_, **__):
        return [(socket.AF_INET, 1, 6, "", (a, 80)) for a in ("93.184.215.14", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(FetchRefused, match=r"10\.0\.0\.1"):
        public_addresses("two-faced.example", 80, FetchLimits())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
        "//example.org/a",
        "http:///a",
        "http://user:word@example.org/",
        "http://user@127.0.0.1/",
        "http://example.org:22/",
        "http://example.org:99999/",
        "http://[::1",
        "http://example.org/\r\nX: y",
        "http://example.org\\@127.0.0.1/",
        "http://" + "a" * 300 + ".example/",
    ],
)
def test_an_address_of_another_kind_is_not_asked(url):
    with pytest.raises(FetchRefused):
        fetch(url, io.BytesIO(), 100, FetchLimits())


class Library(http.server.ThreadingHTTPServer):
    """A server on a free port with ``pages`` by path; ``asked`` remembers what was asked."""

    daemon_threads = True

    def __init__(self, pages):
        super().__init__(("127.0.0.1", 0), Site)
        self.pages, self.asked = pages, []


class Site(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    server: "Library"
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def site(pages):
    with Library(pages) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def fetched(url, max_bytes=1000, limits=LOCAL):
    target = io.BytesIO()
    return fetch(url, target, max_bytes, limits), target.getvalue()


def test_a_server_of_an_allowed_network_is_asked():
    with site({"/a": (200, {}, b"hello"), "/b": (302, {"Location": "/a"}, b"")}) as (server, at):
        assert fetched(f"{at}/a") == (f"{at}/a", b"hello")
        assert fetched(f"{at}/b") == (f"{at}/a", b"hello")
        with pytest.raises(FetchRefused, match="answered 404"):
            fetched(f"{at}/c")


def test_without_being_allowed_it_is_never_connected_to():
    with site({"/a": (200, {}, b"hello")}) as (server, at):
        with pytest.raises(FetchRefused):
            fetched(f"{at}/a", limits=FetchLimits(ports=frozenset({server.server_port})))
        assert server.asked == []


@pytest.mark.parametrize(
    "there",
    [
        "http://127.0.0.2:80/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:80/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
    ],
)
def test_a_redirect_to_the_inside_is_refused(there):
    with site({"/a": (302, {"Location": there}, b"")}) as (_, at):
        with pytest.raises(FetchRefused) as refused:
            fetched(f"{at}/a")
        assert refused.value.reason in {"private_address", "bad_address"}


def test_redirects_come_to_an_end():
    with site({"/a": (302, {"Location": "/a"}, b"")}) as (server, at):
        with pytest.raises(FetchRefused, match="redirects"):
            fetched(f"{at}/a")
        assert len(server.asked) == LOCAL.max_redirects + 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {}, b"x" * 2000), "more than"),
        ((200, {"Content-Encoding": "gzip"}, b"x"), "compressed"),
        ((200, {"Content-Length": "500"}, b"short"), "broke off|not answer"),
        ((500, {}, b""), "answered 500"),
    ],
)
def test_an_answer_that_is_not_taken(answer, said):
    status, headers, body = answer
    headers = {"Connection": "close", **headers}
    with site({"/a": (status, headers, body)}) as (_, at), pytest.raises(FetchRefused, match=said):
        fetched(f"{at}/a", limits=FetchLimits(allowed=LOCAL.allowed, wait_s=2, total_s=2))


def test_a_server_that_drips_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_over = threading.Event()

        def drip():
            connection, _ = listener.accept()
            with connection:
                try:
                    while not is_over.wait(0.1):
                        connection.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        limits = FetchLimits(allowed=LOCAL.allowed, wait_s=5, total_s=1)
        with pytest.raises(FetchRefused):
            fetched(f"http://127.0.0.1:{listener.getsockname()[1]}/", limits=limits)
        is_over.set()
        thread.join()
