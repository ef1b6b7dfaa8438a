"""``beitie user``: who may come to the archivist's desk, made and changed from the command line.

Passwords are asked for, or invented and printed once; never given as an argument, where every
process of the machine could read them.

Keeps out: what a role allows (``annotation.desk.roles``).
"""

from __future__ import annotations

import click

from assets.terminal import explained, open_project, tell

ROLES = ("archivist", "annotator", "approver", "engineer")


@click.group()
def user() -> None:
    """Who may come to the archivist's desk."""


def _password(asks: bool) -> tuple[str, bool]:
    from annotation.desk.passwords import invented

    if not asks:
        return invented(), True
    typed: str = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    return typed, False


@user.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--quota-gib", type=float, help="How much the user may bring in all.")
@click.option("--email", default="", help="Address in Label Studio; approvers need one.")
@click.option("--ask", "asks", is_flag=True, help="Ask for the password instead of inventing one.")
@explained
def add(name: str, roles: tuple[str, ...], quota_gib: float | None, email: str, asks: bool) -> None:
    """Make a user; the role may be repeated."""
    from annotation.desk.roles import Role

    password, is_invented = _password(asks)
    quota = None if quota_gib is None else round(quota_gib * (1 << 30))
    users = open_project().desk_users()
    users.add(name, password, tuple(Role(role) for role in roles), quota, email)
    tell(f"{name} may come as {', '.join(roles)}.")
    if is_invented:
        click.echo(password)


@user.command("password")
@click.argument("name")
@click.option("--ask", "asks", is_flag=True, help="Ask for the password instead of inventing one.")
@explained
def new_password(name: str, asks: bool) -> None:
    """Give a new password; the user is signed out everywhere."""
    password, is_invented = _password(asks)
    open_project().desk_users().set_password(name, password)
    if is_invented:
        click.echo(password)


@user.command("change")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--email", help='Another address in Label Studio; "" takes it away.')
@click.option("--closed", is_flag=True, help="The user may not sign in any more.")
@explained
def change(name: str, roles: tuple[str, ...], email: str | None, closed: bool) -> None:
    """Give a user exactly these roles; the user is signed out everywhere."""
    from annotation.desk.roles import Role

    users = open_project().desk_users()
    given = tuple(Role(role) for role in roles)
    users.change(name, given, is_active=not closed, email=email)


@user.command("list")
@explained
def list_all() -> None:
    """Everybody, with their roles."""
    for one in open_project().desk_users().all():
        closed = "" if one.is_active else "  closed"
        address = f"  {one.email}" if one.email else ""
        click.echo(f"{one.name:<24} {', '.join(one.roles)}{address}{closed}")
