"""Serves one desk until it is told to end: ``python -m annotation.desk --help``.

``beitie up`` starts it so. It listens on this machine alone unless ``--host`` says otherwise.

Keeps out: everything the desk does (``annotation.desk.application``).
"""

from __future__ import annotations

import argparse
import ipaddress
import os
from pathlib import Path

import uvicorn

from annotation.desk.application import make_application
from annotation.desk.desk import Desk, Place
from annotation.desk.fetching import FetchLimits

MAX_CONNECTIONS = 100
KEEP_ALIVE_S = 15


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m annotation.desk", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the desk's own files")
    parser.add_argument("--inbox", type=Path, required=True, help="where works are handed over")
    parser.add_argument("--store", required=True, help="pictures: a folder or any fsspec URL")
    parser.add_argument("--tables", required=True, help="tables: a folder or any fsspec URL")
    parser.add_argument("--journal", type=Path, required=True, help="folder of the approvals")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=3001)
    parser.add_argument(
        "--host-name", action="append", default=[], help="name it answers to besides localhost"
    )
    parser.add_argument(
        "--behind-https",
        action="store_true",
        help="a proxy on this machine speaks HTTPS: take the visitor's address from it, and let "
        "cookies travel over HTTPS alone",
    )
    parser.add_argument(
        "--link", action="append", default=[], metavar="NAME=URL", help="another page to link to"
    )
    parser.add_argument(
        "--allow-network",
        action="append",
        default=[],
        type=ipaddress.ip_network,
        metavar="NETWORK",
        help="private network whose IIIF server may be asked, such as 10.1.2.0/24",
    )
    given = parser.parse_args()
    links = dict(link.split("=", 1) for link in given.link)
    place = Place(
        home=given.home,
        inbox=given.inbox,
        store=given.store,
        tables=given.tables,
        journal=given.journal,
        links=links,
    )
    desk = Desk(
        place=place,
        fetch_limits=FetchLimits(allowed=tuple(given.allow_network)),
        # Not an argument: every process of the machine can read those.
        hook_secret=os.environ.get("BEITIE_HOOK_SECRET", ""),
        is_behind_https=given.behind_https,
    )
    uvicorn.run(
        make_application(desk, host_names=given.host_name),
        host=given.host,
        port=given.port,
        ws="none",
        proxy_headers=given.behind_https,
        forwarded_allow_ips="127.0.0.1",
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
