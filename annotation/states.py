"""How far each column is with people: the journal's lines about it, added up.

    new → in progress → done → approved → ground truth
            ↑             │        │            │
            └─ sent back ─┴──── revoked ────────┘

A line counts only where it may: an approval is changed by nothing but a revocation, by an edit
that an approver accepted, or, where it was simulated, by a person's decision. So it does not
matter in which order a pull and a person at the desk came to write.

Keeps out: who may do what (``annotation.approval``), and what a pull finds
(``annotation.decisions``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from annotation.journal import Action, Cleared, Decided, Entry, Flagged, Line, Step
from pipelines.records import Decision, Rejection, Review
from pipelines.states import Returned, State

FlagKey = tuple[str, str]

UNTOUCHED = frozenset({"not_reviewed", "task_deleted"})
"""Reasons of the stage ``reviews`` that mean that nobody has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one column stands.

    Attributes:
        column_id: The column.
        state: On the ladder.
        decided: The decision that counts.
        approver: The second person who approved it, or marked it as ground truth.
        returned: Why it waits for its annotator again.
        returned_detail: The same as a sentence.
        refused: Content that was known when it was returned.
        refused_until: When the newest of it was saved, by Label Studio's clock.
        revoked: Every review of it whose approval was revoked, as it stood afterwards.
        kept: Flags of which an approver said that the approval stands.
        flags: Flags that nobody has dealt with.
        step_count: How many steps of people were written.
        lines: Its history, the oldest first.
    """

    column_id: str
    state: State = State.NEW
    decided: Decided | None = None
    approver: str = ""
    returned: Returned | None = None
    returned_detail: str = ""
    refused: frozenset[str] = frozenset()
    refused_until: datetime | None = None
    revoked: tuple[Review, ...] = ()
    kept: frozenset[FlagKey] = frozenset()
    flags: tuple[Flagged, ...] = ()
    step_count: int = 0
    lines: tuple[Line, ...] = ()

    @property
    def review(self) -> Review | None:
        """The review that counts, with its state written into it."""
        if self.decided is None:
            return None
        return replace(
            self.decided.review,
            state=self.state,
            approver=self.approver,
            returned=self.returned,
            returned_detail=self.returned_detail,
        )

    @property
    def is_approved(self) -> bool:
        """Whether it is frozen."""
        return self.state.is_vouched

    @property
    def is_waiting(self) -> bool:
        """Whether a second person may approve it now."""
        return (
            self.state is State.DONE
            and self.decided is not None
            and self.decided.review.decision is Decision.APPROVED
        )

    def may(self, action: Action) -> bool:
        """Whether a person may take this step of the ladder now."""
        allowed = {
            Action.APPROVE: self.is_waiting,
            Action.SEND_BACK: self.state is State.DONE,
            Action.GROUND_TRUTH: self.state is State.APPROVED,
            Action.REVOKE: self.is_approved,
        }
        return allowed.get(action, False)

    def yields_to(self, review: Review) -> bool:
        """Whether a decision may take the place of what stands here."""
        if not self.is_approved or self.decided is None:
            return True
        # People outrank machines; but what a person vouched for is a person's.
        is_machines = self.decided.review.is_simulated and not self.approver
        return is_machines and not review.is_simulated

    def is_answered_by(self, review: Review) -> bool:
        """Whether it is a new answer to a return, and not what was returned.

        The same content saved anew is one: the annotator insists. Times are compared with times
        of Label Studio alone, because its clock and the desk's may differ.
        """
        is_later = self.refused_until is not None and review.reviewed_at > self.refused_until
        return is_later or review.content_hash not in self.refused


def standings(lines: Iterable[Line]) -> dict[str, Standing]:
    """Every column that the lines of a batch speak of."""
    found: dict[str, Standing] = {}
    for line in lines:
        entry = line.entry
        column_id = entry.review.column_id if isinstance(entry, Decided) else entry.column_id
        before = found.get(column_id) or Standing(column_id=column_id)
        after = _after(before, entry)
        found[column_id] = replace(after, lines=(*before.lines, line))
    return found


def key_of(flag: Flagged | Cleared) -> FlagKey:
    """What tells the flags of a column apart."""
    return flag.reason, flag.content_hash or getattr(flag, "detail", "")


def first_state(review: Review) -> State:
    """The state that a decision gives a column by itself."""
    if review.state is not None:
        return review.state
    return {
        Decision.APPROVED: State.APPROVED,
        Decision.REJECTED: State.DONE,
        Decision.NEEDS_EXPERT: State.IN_PROGRESS,
    }[review.decision]


def state_of(result: Review | Rejection) -> State:
    """How far a column of the table ``reviews`` is."""
    if isinstance(result, Review):
        return first_state(result)
    return State.NEW if result.reason in UNTOUCHED else State.IN_PROGRESS


def _after(standing: Standing, entry: Entry) -> Standing:
    if isinstance(entry, Decided):
        return _decided(standing, entry) if standing.yields_to(entry.review) else standing
    if isinstance(entry, Flagged):
        others = tuple(flag for flag in standing.flags if key_of(flag) != key_of(entry))
        return replace(standing, flags=(*others, entry))
    if isinstance(entry, Cleared):
        return _without_flag(standing, (entry.reason, entry.content_hash))
    return _stepped(replace(standing, step_count=standing.step_count + 1), entry)


def _decided(standing: Standing, decided: Decided, approver: str = "") -> Standing:
    state = State.APPROVED if approver else first_state(decided.review)
    return replace(
        standing,
        state=state,
        decided=decided,
        approver=approver,
        returned=None,
        returned_detail="",
        refused=frozenset(),
        refused_until=None,
    )


def _stepped(standing: Standing, step: Step) -> Standing:
    if step.action in (Action.KEEP, Action.ACCEPT):
        return _flag_settled(standing, step)
    if standing.decided is None or standing.decided.review.content_hash != step.content_hash:
        return standing
    if step.action is Action.WITHDRAW and standing.state is State.DONE:
        return replace(standing, state=State.IN_PROGRESS, decided=None)
    if not standing.may(step.action):
        return standing
    review = standing.decided.review
    if step.action is Action.APPROVE:
        return replace(standing, state=State.APPROVED, approver=step.who)
    if step.action is Action.GROUND_TRUTH:
        return replace(standing, state=State.GROUND_TRUTH, approver=standing.approver or step.who)
    if step.action is Action.SEND_BACK:
        detail = f"{step.who} sent it back: {step.reason}"
        return _returned(standing, Returned.SENT_BACK, detail)
    by = standing.approver or review.annotator
    detail = f"{step.who} revoked the approval by {by}: {step.reason}"
    gone = replace(review, returned=Returned.REVOKED, returned_detail=detail)
    after = _returned(standing, Returned.REVOKED, detail)
    return replace(after, revoked=(*after.revoked, gone))


def _returned(standing: Standing, why: Returned, detail: str) -> Standing:
    entries = [line.entry for line in standing.lines]
    known = [entry.review for entry in entries if isinstance(entry, Decided)]
    known += [e.edited.review for e in entries if isinstance(e, Flagged) and e.edited is not None]
    return replace(
        standing,
        state=State.IN_PROGRESS,
        approver="",
        returned=why,
        returned_detail=detail,
        refused=frozenset(review.content_hash for review in known),
        refused_until=max(review.reviewed_at for review in known),
        flags=(),
    )


def _flag_settled(standing: Standing, step: Step) -> Standing:
    flag = next((f for f in standing.flags if key_of(f)[1] == step.content_hash), None)
    if flag is None:
        return standing
    rest = _without_flag(standing, key_of(flag))
    if step.action is Action.KEEP:
        return replace(rest, kept=rest.kept | {key_of(flag)})
    if flag.edited is None or standing.state is not State.APPROVED:
        return standing
    return _decided(rest, flag.edited, approver=step.who)


def _without_flag(standing: Standing, key: FlagKey) -> Standing:
    return replace(standing, flags=tuple(f for f in standing.flags if key_of(f) != key))
