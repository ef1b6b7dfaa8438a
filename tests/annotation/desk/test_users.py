"""Users: what is kept of a password, who may change whom, and the first one."""

import stat

import pytest

from annotation.desk import passwords
from annotation.desk.roles import GRANTS, Permission, Role
from annotation.desk.users import UserError
from tests.annotation.desk.serving import PASSWORD, a_desk


@pytest.fixture
def users(tmp_path):
    return a_desk(tmp_path).users


def test_a_password_is_kept_as_a_salted_hash(users):
    users.add("Wang", PASSWORD, [Role.ARCHIVIST])
    users.add("Li", PASSWORD, [Role.ARCHIVIST])
    data = users.database.file.read_bytes() + b"".join(
        path.read_bytes() for path in users.database.file.parent.glob("*-wal")
    )
    assert PASSWORD.encode() not in data
    assert passwords.hashed(PASSWORD) != passwords.hashed(PASSWORD)
    assert users.check("wang", PASSWORD).name == "Wang"
    assert users.check("Wang", PASSWORD + "x") is None
    assert users.check("nobody", PASSWORD) is None


def test_the_file_is_for_its_owner_alone(users):
    users.all()
    assert stat.S_IMODE(users.database.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "<b>", "x" * 65, "a\nb"])
def test_a_name_must_be_one(users, name):
    with pytest.raises(UserError, match="is no user name"):
        users.add(name, PASSWORD, [Role.ARCHIVIST])


def test_a_name_is_taken_in_any_case(users):
    users.add("Wang", PASSWORD, [Role.ARCHIVIST])
    with pytest.raises(UserError, match="already"):
        users.add("WANG", PASSWORD, [Role.ENGINEER])


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_must_be_of_use(users, password):
    with pytest.raises(UserError, match="characters"):
        users.add("Wang", password, [Role.ARCHIVIST])


def test_the_first_user_is_made_once_and_may_do_everything(users):
    password = users.add_first()
    assert users.add_first() is None
    (first,) = users.all()
    assert users.check(first.name, password) == first
    assert all(first.may(permission) for permission in Permission)


def test_the_last_engineer_stays(users):
    users.add_first()
    with pytest.raises(UserError, match="last engineer"):
        users.change("beitie", [Role.ARCHIVIST], is_active=True)
    with pytest.raises(UserError, match="last engineer"):
        users.change("beitie", list(Role), is_active=False)
    assert users.find("beitie").roles == tuple(Role)


def test_who_is_closed_out_may_nothing(users):
    users.add_first()
    users.add("Wang", PASSWORD, [Role.ARCHIVIST])
    closed = users.change("Wang", [Role.ARCHIVIST], is_active=False)
    assert not any(closed.may(permission) for permission in Permission)
    assert users.check("Wang", PASSWORD) is None


def test_only_archivists_deliver_and_only_engineers_operate():
    holders = {p: {r for r, granted in GRANTS.items() if p in granted} for p in Permission}
    assert holders[Permission.DELIVER] == {Role.ARCHIVIST}
    assert holders[Permission.OPERATE] == {Role.ENGINEER}
    assert holders[Permission.SEE] == set(Role)
