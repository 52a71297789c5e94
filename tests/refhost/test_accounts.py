"""Signing in, sessions, users, API keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from gantry_argocd.refhost import create_host

from .support import PASSWORD, Portal, Time, portal


def test_sign_in_gives_a_token_the_user_and_a_cookie(site: Portal) -> None:
    """A right password gives a bearer token, the user object and a session cookie."""
    answer = site.client().post(
        "/api/v1/auth/login", json={"username": "developer", "password": PASSWORD}
    )

    user = answer.json()["user"]
    assert answer.status_code == 200
    assert (user["username"], user["role"]) == ("developer", "developer")
    assert user["permissions"] == {
        "read": True, "write": True, "execute": True, "delete": True, "admin": False,
    }  # fmt: skip
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("gantry_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


@pytest.mark.parametrize(("username", "password"), [("viewer", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_sign_in_does_not_say_what_was_wrong(
    site: Portal, username: str, password: str
) -> None:
    """An unknown user and a wrong password are refused in the same words."""
    body = {"username": username, "password": password}
    answer = site.client().post("/api/v1/auth/login", json=body)

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid credentials"


def test_failed_sign_ins_are_slowed_for_a_while(tmp_path: Path, time: Time) -> None:
    """After five failures a user has to wait, with the right password too, and then gets in."""
    with portal(tmp_path, time=time) as site:
        client = site.client()
        wrong = {"username": "viewer", "password": "wrong"}
        right = {"username": "viewer", "password": PASSWORD}
        other = {"username": "developer", "password": PASSWORD}

        said = [client.post("/api/v1/auth/login", json=wrong).status_code for _ in range(6)]
        held = client.post("/api/v1/auth/login", json=right)
        unharmed = client.post("/api/v1/auth/login", json=other)
        time.advance(minutes=6)
        late = client.post("/api/v1/auth/login", json=right)

    assert said == [401] * 5 + [429]
    assert held.status_code == 429
    assert int(held.headers["retry-after"]) > 0
    assert unharmed.status_code == 200
    assert late.status_code == 200


def test_a_session_ends_after_a_day(tmp_path: Path, time: Time) -> None:
    """A token works for 24 hours and not longer."""
    with portal(tmp_path, time=time) as site:
        client = site.rest("viewer")
        time.advance(hours=23)
        before = client.get("/api/v1/auth/me").status_code
        time.advance(hours=2)
        after = client.get("/api/v1/auth/me")

    assert before == 200
    assert (after.status_code, after.json()["error"]) == (401, "invalid or expired token")


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "missing authentication credentials"),
        ({"Authorization": "Basic x"}, "invalid authorization header format"),
        ({"Authorization": "Bearer x.y.z"}, "invalid or expired token"),
        ({"Authorization": "Bearer gantry_00"}, "invalid or revoked api key"),
    ],
)
def test_who_is_not_signed_in_is_told_why(site: Portal, headers: dict[str, str], text: str) -> None:
    """Each way of not being signed in has its own words, as JSON."""
    answer = site.client(**headers).get("/api/v1/entities")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == text


def test_a_deleted_user_loses_access_at_once(site: Portal) -> None:
    """Token and API key of a deleted user stop working with the deletion."""
    admin = site.rest()
    made = admin.post(
        "/api/v1/auth/register", json={"username": "gone", "password": PASSWORD}
    ).json()
    token = site.client().post(
        "/api/v1/auth/login", json={"username": "gone", "password": PASSWORD}
    ).json()["token"]  # fmt: skip
    client = site.client(Authorization=f"bearer {token}")
    key = client.post("/api/v1/auth/apikeys", json={"name": "mine"}).json()["key"]
    keyed = site.client(Authorization=f"Bearer {key}")
    before = [one.get("/api/v1/auth/me").status_code for one in (client, keyed)]

    admin.delete(f"/api/v1/auth/users/{made['id']}")

    assert made["role"] == "viewer"
    assert before == [200, 200]
    assert [one.get("/api/v1/auth/me").status_code for one in (client, keyed)] == [401, 401]


def test_a_changed_role_counts_at_once(site: Portal) -> None:
    """A token made as viewer writes as soon as its user is a developer."""
    admin = site.rest()
    made = admin.post(
        "/api/v1/auth/register", json={"username": "riser", "password": PASSWORD}
    ).json()
    token = site.client().post(
        "/api/v1/auth/login", json={"username": "riser", "password": PASSWORD}
    ).json()["token"]  # fmt: skip
    client = site.client(Authorization=f"Bearer {token}")
    before = client.post("/api/v1/entities", json={}).status_code

    admin.put(f"/api/v1/auth/users/{made['id']}", json={"role": "developer"})

    assert before == 403
    assert client.post("/api/v1/entities", json={}).status_code == 400


def test_a_key_has_its_own_role_and_name(site: Portal) -> None:
    """A viewer's key of an administrator reads, does not write, and says that it is a viewer."""
    admin = site.rest()
    made = admin.post("/api/v1/auth/apikeys", json={"name": "ci", "role": "viewer"})
    keyed = site.client(Authorization=f"Bearer {made.json()['key']}")

    assert made.status_code == 201
    assert len(made.json()["key"]) == len("gantry_") + 64
    assert made.json()["key"].startswith(made.json()["prefix"])
    assert keyed.get("/api/v1/auth/me").json()["role"] == "viewer"
    assert keyed.post("/api/v1/entities", json={}).status_code == 403
    assert "key" not in admin.get("/api/v1/auth/apikeys").json()[0]

    assert admin.delete(f"/api/v1/auth/apikeys/{made.json()['id']}").status_code == 204
    assert keyed.get("/api/v1/auth/me").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [({"name": "x", "role": "admin"}, 403), ({"name": "x", "role": "king"}, 400), ({}, 400)],
)
def test_a_key_is_never_more_than_its_maker(
    site: Portal, body: dict[str, str], status: int
) -> None:
    """A developer gets no administrator's key, no unknown role and no nameless key."""
    assert site.rest("developer").post("/api/v1/auth/apikeys", json=body).status_code == status


@pytest.mark.parametrize("name", ["\u202enimda", "a\x00b", "x" * 256], ids=["bidi", "nul", "long"])
def test_a_name_is_one_that_people_can_see(site: Portal, name: str) -> None:
    """No user and no key is called so that it looks like another one, or fills a page."""
    admin = site.rest()
    user = {"username": name, "password": "long enough for it"}

    assert admin.post("/api/v1/auth/register", json=user).status_code == 400
    assert admin.post("/api/v1/auth/apikeys", json={"name": name}).status_code == 400


def test_a_new_password_ends_the_old_sessions(site: Portal) -> None:
    """Who changes the password is signed out everywhere else."""
    admin = site.rest()
    admin.post("/api/v1/auth/register", json={"username": "fresh", "password": PASSWORD})
    old = {"username": "fresh", "password": PASSWORD}
    token = site.client().post("/api/v1/auth/login", json=old).json()["token"]
    client = site.client(Authorization=f"Bearer {token}")

    wrong = client.put(
        "/api/v1/auth/me/password", json={"currentPassword": "x", "newPassword": "long enough"}
    )
    short = client.put(
        "/api/v1/auth/me/password", json={"currentPassword": PASSWORD, "newPassword": "short"}
    )
    right = client.put(
        "/api/v1/auth/me/password",
        json={"currentPassword": PASSWORD, "newPassword": "long enough"},
    )

    assert [wrong.status_code, short.status_code, right.status_code] == [400, 400, 204]
    assert client.get("/api/v1/auth/me").status_code == 401
    assert site.client().post("/api/v1/auth/login", json=old).status_code == 401


def test_the_last_administrator_stays(site: Portal) -> None:
    """Neither deleting nor demoting can leave the portal without an administrator."""
    admin = site.rest()
    me = admin.get("/api/v1/auth/me").json()["id"]

    assert admin.put(f"/api/v1/auth/users/{me}", json={"role": "viewer"}).status_code == 409
    assert admin.delete(f"/api/v1/auth/users/{me}").status_code == 409


def test_the_first_start_makes_a_password_and_says_it_once(tmp_path: Path) -> None:
    """Without a given password one is generated; a later start has none to tell."""
    first = create_host(data_dir=tmp_path)
    first.close()
    second = create_host(data_dir=tmp_path)
    second.close()

    assert first.generated_password is not None
    assert len(first.generated_password) >= 16
    assert second.generated_password is None


def test_a_key_is_never_more_than_its_owner_is_now(site: Portal) -> None:
    """Who is demoted has no power left in an old key, and gets it back with the role."""
    admin = site.rest()
    body = {"username": "fallen", "password": PASSWORD, "role": "admin"}
    made = admin.post("/api/v1/auth/register", json=body).json()
    login = site.client().post("/api/v1/auth/login", json=body).json()
    owner = site.client(Authorization=f"Bearer {login['token']}")
    key = owner.post("/api/v1/auth/apikeys", json={"name": "ci", "role": "admin"}).json()["key"]
    keyed = site.client(Authorization=f"Bearer {key}")

    before = keyed.get("/api/v1/auth/users").status_code
    admin.put(f"/api/v1/auth/users/{made['id']}", json={"role": "viewer"})
    demoted = keyed.get("/api/v1/auth/users").status_code
    me = keyed.get("/api/v1/auth/me").json()
    write = keyed.post("/api/v1/entities", json={}).status_code
    admin.put(f"/api/v1/auth/users/{made['id']}", json={"role": "developer"})

    assert (before, demoted, write) == (200, 403, 403)
    assert (me["role"], me["permissions"]["write"]) == ("viewer", False)
    assert keyed.get("/api/v1/auth/me").json()["role"] == "developer"


def test_a_reset_password_ends_the_keys_as_well(site: Portal) -> None:
    """An administrator who resets a stolen account shuts every door to it."""
    admin = site.rest()
    body = {"username": "stolen", "password": PASSWORD}
    made = admin.post("/api/v1/auth/register", json=body).json()
    token = site.client().post("/api/v1/auth/login", json=body).json()["token"]
    owner = site.client(Authorization=f"Bearer {token}")
    key = owner.post("/api/v1/auth/apikeys", json={"name": "ci"}).json()["key"]
    keyed = site.client(Authorization=f"Bearer {key}")
    one = f"/api/v1/auth/users/{made['id']}"

    short = admin.put(one, json={"role": "developer", "password": "short"}).status_code
    before = keyed.get("/api/v1/auth/me")
    reset = admin.put(one, json={"password": "another one"}).status_code

    assert (short, before.status_code, reset) == (400, 200, 200)
    assert before.json()["role"] == "viewer"
    assert keyed.get("/api/v1/auth/me").status_code == 401
    assert owner.get("/api/v1/auth/me").status_code == 401
