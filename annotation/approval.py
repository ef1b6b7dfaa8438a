"""What a second person does to a column: approve, send back, mark as ground truth, revoke.

The person is compared with everyone who had a hand in the annotation, by the address that Label
Studio knows them by: nobody approves their own work. What is done speaks of the very content that
the person saw, and is decided and written under the journal's lock, so that two people at once,
or a pull in between, cannot make an approval that nobody gave.

Keeps out: what follows from a step (``annotation.states``), and pages (``annotation.desk``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from annotation.journal import Action, Decided, Entry, Flagged, Journal, Line, Step
from annotation.states import Standing, key_of, standings
from pipelines.errors import MaterialError
from pipelines.records import Decision
from pipelines.states import State

VOUCHING = frozenset({Action.APPROVE, Action.GROUND_TRUTH, Action.ACCEPT})
"""By these a person says that every character is right; so it must be another person."""

EXPLAINED = frozenset({Action.SEND_BACK, Action.REVOKE})
"""These need a reason that the annotator can act on."""


class ApprovalRefused(MaterialError):
    """A step that this person may not take, or not now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who acts; ``email`` is their address in Label Studio, by which authors are known."""

    name: str
    email: str = ""

    @property
    def signature(self) -> str:
        """What the journal writes."""
        return self.email or self.name


def authors_of(decided: Decided) -> tuple[str, ...]:
    """Everyone who had a hand in it: who submitted the parts and who saved them last."""
    return tuple(dict.fromkeys((decided.review.annotator, *decided.editors)))


def is_author(person: Person, decided: Decided) -> bool:
    """Whether the person had a hand in it; in doubt, yes.

    Addresses of several annotators are joined by ``+``, which may also stand in an address.
    """
    own = {person.name.casefold(), person.email.casefold()} - {""}
    for author in authors_of(decided):
        joined = f"+{author.casefold()}+"
        if any(f"+{name}+" in joined or f"+{name}@" in joined for name in own):
            return True
    return False


def act(
    journal: Journal,
    batch: str,
    column_id: str,
    action: Action,
    person: Person,
    *,
    content_hash: str,
    at: datetime,
    reason: str = "",
) -> Standing:
    """Take one step and write it down; where the column stands afterwards.

    Args:
        journal: Where it is written.
        batch: The batch of the column.
        column_id: The column.
        action: What is done.
        person: Who does it.
        content_hash: What the person saw: of the review, or of the flag.
        at: When.
        reason: Required for what :data:`EXPLAINED` names.

    Raises:
        ApprovalRefused: If the person may not, or the column stands elsewhere by now; ``reason``
            is unknown_column, no_reason, no_address, own_work, simulated, changed_meanwhile.
    """
    said = " ".join(reason.split())

    def decide(lines: list[Line]) -> Sequence[Entry]:
        standing = standings(lines).get(column_id)
        return [_step(standing, column_id, action, person, content_hash, said)]

    if batch not in journal.batches():
        decide([])  # there is nothing to lock either
    journal.amend(batch, decide, at=at)
    return standings(journal.lines(batch))[column_id]


def _step(
    standing: Standing | None,
    column_id: str,
    action: Action,
    person: Person,
    content_hash: str,
    reason: str,
) -> Step:
    if standing is None or standing.decided is None:
        raise ApprovalRefused(
            f"Nobody has decided anything about column {column_id}; there is nothing to "
            f"{action.value.replace('_', ' ')}.",
            reason="unknown_column",
        )
    about = _spoken_of(standing, action, content_hash)
    if about is None:
        raise ApprovalRefused(
            f"Column {column_id} is {standing.state.value.replace('_', ' ')} by now, or reads "
            f"otherwise than what you saw. Look at it again.",
            reason="changed_meanwhile",
        )
    if action in EXPLAINED and not reason:
        raise ApprovalRefused(
            f"Say why, so that the annotator of column {column_id} knows what to do.",
            reason="no_reason",
        )
    if action in VOUCHING:
        _refuse_own_work(person, about, column_id)
    if action is Action.GROUND_TRUTH and about.review.is_simulated and not standing.approver:
        raise ApprovalRefused(
            f"Column {column_id} was approved by the simulated annotator; a person must approve "
            f"it before it can be ground truth.",
            reason="simulated",
        )
    return Step(
        column_id=column_id,
        action=action,
        who=person.signature,
        reason=reason,
        content_hash=content_hash,
        annotation_ids=about.annotation_ids,
        guideline_version=about.review.guideline_version,
    )


def _spoken_of(standing: Standing, action: Action, content_hash: str) -> Decided | None:
    """The decision that a step speaks of, if the column stands so that the step may be taken."""
    decided = standing.decided
    if action in (Action.KEEP, Action.ACCEPT):
        flag: Flagged | None = next(
            (f for f in standing.flags if key_of(f)[1] == content_hash), None
        )
        if flag is None:
            return None
        if action is Action.KEEP:
            return decided
        may = standing.state is State.APPROVED and flag.edited is not None
        is_approval = may and flag.edited.review.decision is Decision.APPROVED  # type: ignore[union-attr]
        return flag.edited if is_approval else None
    if not standing.may(action) or decided is None or decided.review.content_hash != content_hash:
        return None
    return decided


def _refuse_own_work(person: Person, about: Decided, column_id: str) -> None:
    if not person.email and "@" not in person.name:
        raise ApprovalRefused(
            f"The account {person.name!r} has no address in Label Studio, so nobody can tell "
            f"whether it approves its own work. An engineer can add it under Users.",
            reason="no_address",
        )
    if is_author(person, about):
        raise ApprovalRefused(
            f"Column {column_id} was corrected by {', '.join(authors_of(about))}: another person "
            f"must approve it.",
            reason="own_work",
        )
