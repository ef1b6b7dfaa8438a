"""What people decide about a column, what they mark in it, and the ladder it climbs with them.

Keeps out: who may climb (``annotation.approval``) and what lies behind (``annotation.states``).
"""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """What a person decided about a column."""

    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_EXPERT = "needs_expert"


class Mark(StrEnum):
    """What a character belongs to, where that is not the text of its column."""

    SIGNATURE = "signature"
    SEAL = "seal"
    SMALL_NOTE = "small_note"


class State(StrEnum):
    """How far a column is with people, on the ladder that Transkribus made known.

    ``NEW`` and ``IN_PROGRESS`` wait for an annotator, ``DONE`` for an approver. Samples are made
    of ``APPROVED`` and ``GROUND_TRUTH`` columns alone; the latter only a revocation changes.
    """

    NEW = "new"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    APPROVED = "approved"
    GROUND_TRUTH = "ground_truth"

    @property
    def is_vouched(self) -> bool:
        """Whether somebody vouches for every character."""
        return self in (State.APPROVED, State.GROUND_TRUTH)


class Returned(StrEnum):
    """Why a review waits for its annotator again."""

    SENT_BACK = "sent_back"
    REVOKED = "revoked"
