"""Pages: sign-in and sign-out, one's own account, users."""

from __future__ import annotations

from starlette.responses import Response

from gantry_argocd.refhost.accounts import Accounts, NewUser, as_role
from gantry_argocd.refhost.api_accounts import AccountsApi, set_session
from gantry_argocd.refhost.pages import Crumb, Pages, local
from gantry_argocd.refhost.problems import HostError, NotSignedIn, TooMany
from gantry_argocd.refhost.sessions import COOKIE
from gantry_argocd.refhost.web import Call, Endpoint, redirect


class AccountPages:
    """``/login``, ``/logout``, ``/settings`` and ``/admin``."""

    def __init__(self, pages: Pages, api: AccountsApi, accounts: Accounts) -> None:
        self._pages = pages
        self._api = api
        self._accounts = accounts

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        return [
            Endpoint("GET", "/login", self._login_form, None),
            Endpoint("POST", "/login", self._login, None),
            Endpoint("GET", "/logout", self._logout_form, None),
            Endpoint("POST", "/logout", self._logout, None),
            Endpoint("GET", "/settings", self._settings),
            Endpoint("POST", "/settings/password", self._password),
            Endpoint("POST", "/settings/keys", self._make_key),
            Endpoint("POST", "/settings/keys/{id}/delete", self._revoke_key),
            Endpoint("GET", "/admin", self._admin, "admin"),
            Endpoint("POST", "/admin/users", self._add_user, "admin"),
            Endpoint("POST", "/admin/users/{id}/role", self._set_role, "admin"),
            Endpoint("POST", "/admin/users/{id}/delete", self._delete_user, "admin"),
        ]

    # --- signing in and out ---

    def _login_form(self, call: Call) -> Response:
        if call.signed_in is not None:
            return redirect(local(call.query("next", "/")))
        return self._show_login(call)

    def _login(self, call: Call) -> Response:
        username = call.form.get("username", "")
        try:
            _, token = self._api.sign_in(call, username, call.form.get("password", ""))
        except (NotSignedIn, TooMany) as error:
            return self._show_login(call, error, username)
        response = redirect(local(call.form.get("next", "/")))
        set_session(call, response, token)
        return response

    def _show_login(
        self, call: Call, error: HostError | None = None, username: str = ""
    ) -> Response:
        problem = str(error).capitalize() if error else ""
        response = self._pages.render(
            call,
            "login.html",
            title="Sign in",
            status=error.status if error else 200,
            problem=problem,
            username=username,
            next=local(call.form.get("next", "/") if error else call.query("next", "/")),
        )
        response.headers.update(error.headers if error else {})
        return response

    def _logout_form(self, call: Call) -> Response:
        if call.signed_in is None:
            return redirect("/login")
        return self._pages.render(call, "logout.html", title="Sign out")

    def _logout(self, _call: Call) -> Response:
        response = redirect("/login")
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return response

    # --- one's own account ---

    def _settings(self, call: Call) -> Response:
        return self._show_settings(call)

    def _show_settings(
        self, call: Call, *, made: str = "", problem: str = "", status: int = 200
    ) -> Response:
        return self._pages.render(
            call,
            "settings.html",
            title="Settings",
            here="settings",
            crumbs=[Crumb("Settings")],
            status=status,
            keys=self._accounts.keys(call.principal.account),
            made=made,
            problem=problem,
        )

    def _password(self, call: Call) -> Response:
        current, new = call.form.get("current", ""), call.form.get("new", "")
        try:
            token = self._api.do_password(call, current, new, "page")
        except HostError as error:
            return self._show_settings(call, problem=str(error), status=error.status)
        response = self._pages.go(call, "/settings", "Your password has been changed.")
        set_session(call, response, token)
        return response

    def _make_key(self, call: Call) -> Response:
        try:
            key = self._api.do_make_key(
                call, call.form.get("name", ""), call.form.get("role") or None, "page"
            )
        except HostError as error:
            return self._show_settings(call, problem=str(error), status=error.status)
        # Shown in this answer and nowhere else: a redirect would have to keep it somewhere.
        return self._show_settings(call, made=key["key"], status=201)

    def _revoke_key(self, call: Call) -> Response:
        self._api.do_revoke_key(call, call.params["id"], "page")
        return self._pages.go(call, "/settings", "The key has been deleted.")

    # --- users ---

    def _admin(self, call: Call) -> Response:
        return self._show_admin(call)

    def _show_admin(self, call: Call, problem: str = "", status: int = 200) -> Response:
        return self._pages.render(
            call,
            "admin.html",
            title="Admin",
            here="admin",
            crumbs=[Crumb("Admin")],
            status=status,
            users=self._accounts.all(),
            problem=problem,
        )

    def _add_user(self, call: Call) -> Response:
        form = call.form
        try:
            user = NewUser(
                username=form.get("username", ""),
                password=form.get("password", ""),
                role=as_role(form.get("role", "viewer")),
                display_name=form.get("display_name", ""),
            )
            self._api.do_register(call, user, "page")
        except HostError as error:
            return self._show_admin(call, str(error), error.status)
        return self._pages.go(call, "/admin", f"User {user.username} has been created.")

    def _set_role(self, call: Call) -> Response:
        try:
            changes = {"role": as_role(call.form.get("role"))}
            account = self._api.do_change(call, call.params["id"], changes, "page")
        except HostError as error:
            return self._show_admin(call, str(error), error.status)
        return self._pages.go(call, "/admin", f"{account.username} is {account.role} now.")

    def _delete_user(self, call: Call) -> Response:
        try:
            self._api.do_delete(call, call.params["id"], "page")
        except HostError as error:
            return self._show_admin(call, str(error), error.status)
        return self._pages.go(call, "/admin", "The user has been deleted.")
