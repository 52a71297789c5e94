"""REST: signing in, one's own account, API keys, users, the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from gantry_argocd.hookspecs import ROLES
from gantry_argocd.refhost.accounts import Account, Accounts, NewUser, as_role, check_password
from gantry_argocd.refhost.problems import Clash, Invalid, NotSignedIn
from gantry_argocd.refhost.sessions import COOKIE, LIFETIME, Brake, Sessions
from gantry_argocd.refhost.trail import LONGEST_PAGE, PAGE, Actor, Record, Trail
from gantry_argocd.refhost.web import Call, Endpoint, json_response, no_content

_FURTHEST = 10_000_000


class AccountsApi:
    """
    The routes below ``/api/v1/auth``, and ``/api/v1/audit``.

    The pages use :meth:`sign_in` and the ``do_…`` methods as well, so that both leave the same
    traces.
    """

    def __init__(self, accounts: Accounts, sessions: Sessions, brake: Brake, trail: Trail) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._brake = brake
        self._trail = trail

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        base = "/api/v1/auth"
        return [
            Endpoint("POST", f"{base}/login", self._login, None),
            Endpoint("POST", f"{base}/logout", self._logout, None),
            Endpoint("GET", f"{base}/me", self._me),
            Endpoint("PUT", f"{base}/me/password", self._password),
            Endpoint("GET", f"{base}/apikeys", self._keys),
            Endpoint("POST", f"{base}/apikeys", self._make_key),
            Endpoint("DELETE", f"{base}/apikeys/{{id}}", self._revoke_key),
            Endpoint("POST", f"{base}/register", self._register, "admin"),
            Endpoint("GET", f"{base}/users", self._users, "admin"),
            Endpoint("GET", f"{base}/users/{{id}}", self._user, "admin"),
            Endpoint("PUT", f"{base}/users/{{id}}", self._change_user, "admin"),
            Endpoint("DELETE", f"{base}/users/{{id}}", self._delete_user, "admin"),
            Endpoint("GET", "/api/v1/audit", self._audit, "admin"),
        ]

    # --- what pages do as well ---

    def sign_in(self, call: Call, username: str, password: str) -> tuple[Account, str]:
        """
        Check a password and make a session token.

        Raises:
            NotSignedIn: Unknown user or wrong password, in the same words.

            TooMany: Too many failed lately.
        """
        self._brake.check(username, call.address)
        account = self._accounts.check(username, password)
        if account is None:
            self._brake.failed(username, call.address)
            raise NotSignedIn("invalid credentials")
        self._brake.succeeded(username, call.address)
        return account, self._sessions.issue(account)

    def do_password(self, call: Call, current: str, new: str, source: str) -> str:
        """Change one's own password; gives a token for a new session."""
        account = self._accounts.change_password(call.principal.account, current, new)
        self._tell(call.acting(source), "user.password_changed", account)
        return self._sessions.issue(account)

    def do_make_key(self, call: Call, name: str, role: str | None, source: str) -> dict[str, Any]:
        """Make an API key; the answer has it, this once."""
        own = call.principal.role
        wanted = as_role(role) if role is not None else own
        text, key = self._accounts.make_key(call.principal.account, name, wanted, own)
        self._tell_key(call.acting(source), "apikey.created", key)
        return key | {"key": text}

    def do_revoke_key(self, call: Call, identity: str, source: str) -> None:
        """Delete an API key of one's own."""
        name = self._accounts.revoke_key(call.principal.account, identity)
        self._tell_key(call.acting(source), "apikey.revoked", {"id": identity, "name": name})

    def do_register(self, call: Call, user: NewUser, source: str) -> Account:
        """Make a user."""
        account = self._accounts.register(user)
        self._tell(call.acting(source), "user.created", account, {"role": account.role})
        return account

    def do_change(
        self, call: Call, reference: str, changes: Mapping[str, str], source: str
    ) -> Account:
        """Change a user's role or names."""
        account = self._accounts.change(self._accounts.get(reference), changes)
        self._tell(call.acting(source), "user.updated", account, dict(changes))
        return account

    def do_delete(self, call: Call, reference: str, source: str) -> None:
        """Delete another user."""
        account = self._accounts.get(reference)
        if account.id == call.principal.account.id:
            raise Clash("you cannot delete yourself")
        self._accounts.delete(account)
        self._tell(call.acting(source), "user.deleted", account)

    # --- routes ---

    def _login(self, call: Call) -> Response:
        body = call.json_object()
        username, password = (_text(body, field) for field in ("username", "password"))
        if not username or not password:
            raise Invalid("username and password are required")
        account, token = self.sign_in(call, username, password)
        response = json_response({"token": token, "user": account.as_json()})
        set_session(call, response, token)
        return response

    def _logout(self, _call: Call) -> Response:
        response = no_content()
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return response

    def _me(self, call: Call) -> Response:
        return json_response(call.principal.account.as_json(call.principal.role))

    def _password(self, call: Call) -> Response:
        body = call.json_object()
        token = self.do_password(
            call, _text(body, "currentPassword"), _text(body, "newPassword"), "api"
        )
        response = no_content()
        if call.principal.by_cookie:  # the old session has ended with the old password
            set_session(call, response, token)
        return response

    def _keys(self, call: Call) -> Response:
        return json_response(self._accounts.keys(call.principal.account))

    def _make_key(self, call: Call) -> Response:
        body = call.json_object()
        role = _text(body, "role") if body.get("role") is not None else None
        return json_response(self.do_make_key(call, _text(body, "name"), role, "api"), 201)

    def _revoke_key(self, call: Call) -> Response:
        self.do_revoke_key(call, call.params["id"], "api")
        return no_content()

    def _register(self, call: Call) -> Response:
        body = call.json_object()
        user = NewUser(
            username=_text(body, "username"),
            password=_text(body, "password"),
            role=as_role(body.get("role", ROLES[0])),
            display_name=_text(body, "displayName"),
            email=_text(body, "email"),
        )
        return json_response(self.do_register(call, user, "api").as_json(), 201)

    def _users(self, _call: Call) -> Response:
        return json_response([account.as_json() for account in self._accounts.all()])

    def _user(self, call: Call) -> Response:
        return json_response(self._accounts.get(call.params["id"]).as_json())

    def _change_user(self, call: Call) -> Response:
        body = call.json_object()
        account = self._accounts.get(call.params["id"])
        changes: dict[str, str] = {}
        if "role" in body:
            changes["role"] = as_role(body["role"])
        for field, column in (("displayName", "display_name"), ("email", "email")):
            if field in body:
                changes[column] = _text(body, field)
        password = _text(body, "password")
        if "password" in body:
            check_password(password)
        changed = self.do_change(call, account.id, changes, "api")
        if "password" in body:
            self._accounts.reset_password(account, password)
            self._tell(call.acting("api"), "user.password_reset", account)
        return json_response(changed.as_json())

    def _delete_user(self, call: Call) -> Response:
        self.do_delete(call, call.params["id"], "api")
        return no_content()

    def _audit(self, call: Call) -> Response:
        limit = call.number("limit", PAGE, LONGEST_PAGE)
        offset = call.number("offset", 0, _FURTHEST)
        return json_response(self._trail.newest(limit=limit, offset=offset))

    # --- inside ---

    def _tell(
        self, actor: Actor, action: str, account: Account, details: Mapping[str, str] | None = None
    ) -> None:
        self._trail.add(
            Record(
                actor=actor,
                action=action,
                resource_type="User",
                resource_id=account.id,
                resource_name=account.username,
                details=details,
            )
        )

    def _tell_key(self, actor: Actor, action: str, key: Mapping[str, Any]) -> None:
        self._trail.add(
            Record(
                actor=actor,
                action=action,
                resource_type="APIKey",
                resource_id=key["id"],
                resource_name=key["name"],
            )
        )


def set_session(call: Call, response: Response, token: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=call.secure,
    )


def _text(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field, "")
    if not isinstance(value, str):
        raise Invalid(f"invalid request body: {field} must be a string")
    return value
