"""Approval at the desk: what waits, one column at a time, and what must be looked at again.

Whoever corrects may see where columns stand; only an approver may act, and never on their own work,
which is refused when it is done and not only hidden before.

Keeps out: the rules (``annotation.approval``) and what is read (``annotation.desk.approvals``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from annotation.approval import ApprovalRefused, Person, act, is_author
from annotation.desk.approvals import Filed, compared, sheet_of
from annotation.desk.doors import Door, Refused, Visit
from annotation.desk.rendering import render
from annotation.desk.roles import Permission
from annotation.journal import Action, Cleared, Decided, Entry, Step
from annotation.states import key_of
from pipelines.errors import StoreError
from pipelines.records import Column, Review
from pipelines.states import State

COLUMNS_SHOWN = 200

OFFERED = (Action.APPROVE, Action.SEND_BACK, Action.GROUND_TRUTH, Action.REVOKE)
"""What may be asked for on the page of a column; flags have their own forms."""

_ON_FLAGS = (Action.KEEP, Action.ACCEPT)


def approvals_page(visit: Visit) -> Response:
    """What waits for approval, or what stands on another step of the ladder; and the flags."""
    approvals = visit.desk.approvals
    filed = approvals.filed()
    wanted = visit.request.query_params.get("state", State.DONE.value)
    if wanted not in {state.value for state in State}:
        raise Refused(404, "refusal.nothing_here")
    if wanted == State.DONE.value:
        found = approvals.waiting()
    else:
        found = [one for one in filed if one.standing.state.value == wanted]
    return render(
        visit,
        "approvals.html",
        found=found[:COLUMNS_SHOWN],
        count=len(found),
        wanted=wanted,
        counts=Counter(one.standing.state.value for one in filed),
        states=(State.DONE, State.IN_PROGRESS, State.APPROVED, State.GROUND_TRUTH),
        batches=sorted({one.batch for one in found}),
        flagged=approvals.flagged(),
        said=_said(visit),
    )


def approval_page(visit: Visit) -> Response:
    """One column: its picture, its text, what was changed, and what was done with it so far."""
    return _show(visit, _filed(visit))


def take_step(visit: Visit) -> Response:
    """Approve, send back, mark as ground truth or revoke; then on to the next that waits."""
    one = _filed(visit)
    action = next((a for a in (*OFFERED, *_ON_FLAGS) if a.value == visit.value("action")), None)
    if action is None:
        raise Refused(400, "refusal.no_form")
    try:
        _act(visit, one, action, visit.value("content_hash"))
    except ApprovalRefused as refusal:
        visit.note("approval_refused", **_about(one), action=action.value, reason=refusal.reason)
        fresh = visit.desk.approvals.find(one.batch, one.standing.column_id) or one
        status = 400 if refusal.reason == "no_reason" else 409
        return _show(visit, fresh, _explained(visit, refusal), status=status)
    waiting = visit.desk.approvals.waiting()
    is_from_queue = action in (Action.APPROVE, Action.SEND_BACK)
    if is_from_queue and waiting:
        following = _after(one, waiting)
        address = f"/approvals/{quote(following.batch)}/{following.standing.column_id}"
    elif action in _ON_FLAGS or is_from_queue:
        address = "/approvals"
    else:
        address = f"/approvals/{quote(one.batch)}/{one.standing.column_id}"
    return RedirectResponse(f"{address}?said={action.value}", status_code=303)


def mark_batch(visit: Visit) -> Response:
    """Mark everything approved of a batch as ground truth, one's own work left out."""
    batch = visit.part("batch")
    if batch not in visit.desk.approvals.journal.batches():
        raise Refused(404, "refusal.nothing_here")
    for column_id, standing in visit.desk.approvals.of_batch(batch).items():
        if standing.state is not State.APPROVED or standing.review is None:
            continue
        one = Filed(batch=batch, standing=standing)
        try:
            _act(visit, one, Action.GROUND_TRUTH, standing.review.content_hash)
        except ApprovalRefused as refusal:
            visit.note(
                "approval_refused",
                batch=batch,
                column=column_id,
                action=Action.GROUND_TRUTH.value,
                reason=refusal.reason,
            )
    address = f"/approvals?state={State.GROUND_TRUTH.value}&said={Action.GROUND_TRUTH.value}"
    return RedirectResponse(address, status_code=303)


def column_picture(visit: Visit) -> Response:
    """The column as JPEG."""
    one = _filed(visit)
    column = _column(visit, one)
    if column is None:
        raise Refused(404, "refusal.nothing_here")
    try:
        data = visit.desk.thumbnails.of_column(column, visit.desk.limits.page_px)
    except StoreError:
        raise Refused(404, "refusal.nothing_here") from None
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


DOORS = (
    Door(path="/approvals", handler=approvals_page, permission=Permission.CORRECT),
    Door(
        path="/approvals/{batch}/ground-truth",
        handler=mark_batch,
        method="POST",
        permission=Permission.APPROVE,
    ),
    Door(
        path="/approvals/{batch}/{column_id}",
        handler=approval_page,
        permission=Permission.CORRECT,
    ),
    Door(
        path="/approvals/{batch}/{column_id}",
        handler=take_step,
        method="POST",
        permission=Permission.APPROVE,
    ),
    Door(
        path="/approvals/{batch}/{column_id}/column.jpg",
        handler=column_picture,
        permission=Permission.CORRECT,
    ),
)


def _filed(visit: Visit) -> Filed:
    one = visit.desk.approvals.find(visit.part("batch"), visit.part("column_id"))
    if one is None:
        raise Refused(404, "refusal.nothing_here")
    return one


def _person(visit: Visit) -> Person:
    return Person(name=visit.name, email=visit.user.email if visit.user else "")


def _act(visit: Visit, one: Filed, action: Action, content_hash: str) -> None:
    act(
        visit.desk.approvals.journal,
        one.batch,
        one.standing.column_id,
        action,
        _person(visit),
        content_hash=content_hash,
        at=visit.desk.now(),
        reason=visit.value("reason")[:1000],
    )
    visit.note(
        f"approval_{action.value}",
        **_about(one),
        content_hash=content_hash,
        reason=visit.value("reason")[:1000],
    )


def _about(one: Filed) -> dict[str, str]:
    return {"batch": one.batch, "column": one.standing.column_id}


def _after(one: Filed, waiting: list[Filed]) -> Filed:
    """The next that waits, in the order of the queue."""
    key = (one.review.reviewed_at, one.review.column_id)
    later = (w for w in waiting if (w.review.reviewed_at, w.review.column_id) > key)
    return next(later, waiting[0])


def _show(visit: Visit, one: Filed, problem: str = "", *, status: int = 200) -> Response:
    standing, review = one.standing, one.review
    column = _column(visit, one)
    difference = compared(review)
    assert standing.decided is not None
    waiting = visit.desk.approvals.waiting()
    others = [w for w in waiting if w.standing.column_id != standing.column_id]
    return render(
        visit,
        "approval.html",
        status=status,
        one=one,
        review=review,
        note=standing.decided.note,
        column=column,
        difference=difference,
        sheet=None if column is None else sheet_of(column.box, difference.marks),
        offered=_offered(one),
        flags=[
            (flag, key_of(flag)[1], flag.edited and compared(_since(flag.edited.review, review)))
            for flag in standing.flags
        ],
        is_own=is_author(_person(visit), standing.decided),
        history=[_told(visit, entry.entry, entry.at.isoformat()) for entry in standing.lines],
        following=_after(one, others) if others else None,
        waiting=len(waiting),
        problem=problem,
        said=_said(visit),
    )


def _since(edited: Review, review: Review) -> Review:
    """An edit as a change to what was approved, and not to the draft."""
    return replace(edited, draft=review.text)


def _offered(one: Filed) -> list[Action]:
    offered = [action for action in OFFERED if one.standing.may(action)]
    if one.review.is_simulated and not one.standing.approver:
        offered = [action for action in offered if action is not Action.GROUND_TRUTH]
    return offered


def _told(visit: Visit, entry: Entry, at: str) -> dict[str, str]:
    """One line of the history: when, who, what, and the rest in their own words."""
    if isinstance(entry, Decided):
        review = entry.review
        what = visit.say(f"history.{review.decision.value}")
        return {"at": at, "who": review.annotator, "what": what, "rest": review.text}
    if isinstance(entry, Step):
        what = visit.say(f"history.{entry.action.value}")
        return {"at": at, "who": entry.who or "–", "what": what, "rest": entry.reason}
    if isinstance(entry, Cleared):
        return {"at": at, "who": "–", "what": visit.say("history.cleared"), "rest": entry.reason}
    return {"at": at, "who": "–", "what": visit.say("history.flagged"), "rest": entry.detail}


def _column(visit: Visit, one: Filed) -> Column | None:
    columns, _ = visit.desk.partitions.read("columns", one.batch, Column)
    wanted = one.standing.column_id
    return next((column for column in columns if column.column_id == wanted), None)


def _said(visit: Visit) -> str:
    """What was done a moment ago."""
    given = visit.request.query_params.get("said", "")
    known = {action.value for action in (*OFFERED, *_ON_FLAGS)}
    return visit.say(f"said.{given}") if given in known else ""


def _explained(visit: Visit, refusal: ApprovalRefused) -> str:
    if visit.language == "en":
        return str(refusal)
    return visit.desk.sentences.say_reason(visit.language, refusal.reason)
