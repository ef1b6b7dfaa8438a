"""What can go wrong with a server, as sentences that say what to do.

Holds: the two kinds of ``ServiceError`` that the client treats apart, and the messages.

Keeps out: catching (``annotation.client``). No message holds a token; callers remove it.
"""

from __future__ import annotations

from pipelines.errors import ServiceError


class MayPass(ServiceError):
    """The server was not reached or failed: the same call may do later."""


class NotFound(ServiceError):
    """The server has no such thing."""


def too_slow(url: str, doing: str) -> MayPass:
    """No answer in time."""
    return MayPass(
        f"Label Studio at {url} took too long while {doing}. What was done is kept; run the same "
        f"again when the server is less busy."
    )


def not_reached(url: str, doing: str, said: str) -> MayPass:
    """No connection, or one that broke."""
    return MayPass(
        f"Label Studio at {url} was not reached while {doing} ({said}). Start it (`beitie up`), "
        f"or check LABEL_STUDIO_URL; then run the same again."
    )


def of_status(url: str, doing: str, status: int, said: str) -> ServiceError:
    """An answer that is an error, or none of Label Studio's."""
    if status in (401, 403):
        return ServiceError(
            f"Label Studio at {url} refused our token while {doing} ({status}: {said}). Give a "
            f"valid one in LABEL_STUDIO_API_KEY, or let `beitie up` start a server with its own."
        )
    if status == 404:
        return NotFound(
            f"Label Studio at {url} has not what was asked for while {doing} ({said}). It may "
            f"have been deleted by hand; push the batch again."
        )
    if status < 400:
        return MayPass(
            f"Label Studio at {url} answered {status} with something that is no JSON while "
            f"{doing} ({said}). Is it Label Studio that listens there?"
        )
    if status >= 500 or status == 429:
        return MayPass(
            f"Label Studio at {url} failed with {status} while {doing} ({said}). What was done "
            f"is kept; look into its log, then run the same again."
        )
    return ServiceError(f"Label Studio at {url} refused with {status} while {doing}: {said}")
