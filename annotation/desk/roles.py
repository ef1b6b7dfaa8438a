"""Who may do what: four roles, and what each of them is allowed.

Keeps out: who has which role (``annotation.desk.users``), and that nobody approves their own work
(``annotation.approval``).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for; a person may have several."""

    ARCHIVIST = "archivist"
    ANNOTATOR = "annotator"
    APPROVER = "approver"
    ENGINEER = "engineer"


class Permission(StrEnum):
    """One thing that not everybody may do."""

    SEE = "see"
    DELIVER = "deliver"
    CORRECT = "correct"
    APPROVE = "approve"
    EXPORT = "export"
    OPERATE = "operate"


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.ARCHIVIST: frozenset({Permission.SEE, Permission.DELIVER, Permission.EXPORT}),
    Role.ANNOTATOR: frozenset({Permission.SEE, Permission.CORRECT}),
    Role.APPROVER: frozenset(
        {Permission.SEE, Permission.CORRECT, Permission.APPROVE, Permission.EXPORT}
    ),
    Role.ENGINEER: frozenset({Permission.SEE, Permission.EXPORT, Permission.OPERATE}),
}
"""Archivists bring scans, annotators go on to Label Studio and see what came back to them,
approvers approve what others have done, engineers look after users and the audit log; everybody
sees the works."""


def granted(roles: Iterable[Role]) -> frozenset[Permission]:
    """What somebody with these roles may do."""
    return frozenset().union(*(GRANTS[role] for role in roles))
