"""Users, their passwords and their API keys."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from typing import Any, cast

import attrs
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gantry_argocd.hookspecs import ROLES, Role
from gantry_argocd.refhost import database
from gantry_argocd.refhost.moments import Clock, stamp
from gantry_argocd.refhost.problems import Clash, Denied, Invalid, Missing

ADMIN = "admin"
ADMIN_ID = "00000000-0000-0000-0000-000000000001"
SHORTEST_PASSWORD = 8
KEY_PREFIX = "gantry_"

LONGEST_NAME = 255
"""Characters of the name of a user or of a key."""


@attrs.frozen
class NewUser:
    """A user to make at the first start. Its password is not checked for length."""

    username: str
    password: str = attrs.field(repr=False)
    role: Role = "viewer"
    display_name: str = ""
    email: str = ""


@attrs.frozen
class Account:
    """A user. ``stamp`` changes with the password."""

    id: str
    username: str
    display_name: str
    email: str
    role: Role
    stamp: str = attrs.field(repr=False)
    created_at: str

    def as_json(self, role: Role | None = None) -> dict[str, Any]:
        """Give the user object of the REST API, with the role that is in force."""
        effective = role or self.role
        user = {
            "id": self.id,
            "userId": self.id,
            "username": self.username,
            "displayName": self.display_name or self.username,
            "email": self.email,
            "role": effective,
            "ssoOnly": False,
            "effectiveRole": effective,
            "groups": [],
            "permissions": permissions(effective),
            "createdAt": self.created_at,
        }
        return {key: value for key, value in user.items() if value != ""}


def level(role: Role) -> int:
    """Give the rank of a role, from 1."""
    return ROLES.index(role) + 1


def lower(one: Role, other: Role) -> Role:
    """Give the role that may do less."""
    return min(one, other, key=level)


def permissions(role: Role) -> dict[str, bool]:
    """Say what a role may do, in the words of the API."""
    working = level(role) >= level("developer")
    return {
        "read": True,
        "write": working,
        "execute": working,
        "delete": working,
        "admin": role == "admin",
    }


def as_role(value: Any) -> Role:
    """
    Read a role.

    Raises:
        Invalid: There is no such role.
    """
    if value not in ROLES:
        raise Invalid(f"role must be one of {', '.join(ROLES)}")
    return cast(Role, value)


class Accounts:
    """
    All users and keys.

    Args:
        engine: Where they are.

        clock: The present time.

        hasher: How passwords are hashed; tests give cheap parameters.
    """

    def __init__(self, engine: sa.Engine, clock: Clock, hasher: PasswordHasher) -> None:
        self._engine = engine
        self._clock = clock
        self._hasher = hasher
        # Compared with when there is no such user, so that both take equally long.
        self._nobody = hasher.hash(secrets.token_hex())

    # --- users ---

    def seed_admin(self, password: str | None) -> str | None:
        """
        Make the administrator, or give it the configured password while nobody has changed it.

        Returns:
            The generated password, when the administrator was made without one.
        """
        account = self.named(ADMIN)
        if account is None:
            generated = None if password else secrets.token_urlsafe(15)
            self._insert(
                NewUser(ADMIN, password or generated or "", "admin", "Administrator"),
                identity=ADMIN_ID,
                seeded=True,
            )
            return generated
        if password and self._row(account.id)["seeded"] and not self._fits(account.id, password):
            self._set_password(account.id, password, seeded=True)
        return None

    def add(self, user: NewUser) -> Account:
        """
        Make a user.

        Raises:
            Invalid: Name or password will not do.

            Clash: The name is taken.
        """
        if not user.username.strip() or user.username != user.username.strip():
            raise Invalid("username is required")
        _check_name("username", user.username)
        return self._insert(user, identity=str(uuid.uuid4()), seeded=False)

    def register(self, user: NewUser) -> Account:
        """Make a user whose password must be long enough."""
        check_password(user.password)
        return self.add(user)

    def named(self, username: str) -> Account | None:
        """Find a user by name."""
        return self._find(database.users.c.username == username)

    def by_id(self, identity: str) -> Account | None:
        """Find a user by id."""
        return self._find(database.users.c.id == identity)

    def all(self) -> list[Account]:
        """List all users by name."""
        with self._engine.connect() as connection:
            query = sa.select(database.users).order_by(database.users.c.username)
            return [_account(row) for row in connection.execute(query).mappings()]

    def get(self, reference: str) -> Account:
        """
        Find a user by id or name.

        Raises:
            Missing: There is none.
        """
        account = self.by_id(reference) or self.named(reference)
        if account is None:
            raise Missing("user not found")
        return account

    def change(self, account: Account, changes: Mapping[str, str]) -> Account:
        """
        Change ``role``, ``display_name`` or ``email``.

        Raises:
            Clash: It is the last administrator's role.
        """
        users = database.users
        with database.transaction(self._engine, "locked") as connection:
            if changes.get("role", "admin") != "admin":
                self._keep_an_admin(connection, account)
            if changes:
                connection.execute(users.update().where(users.c.id == account.id).values(changes))
        return self.get(account.id)

    def delete(self, account: Account) -> None:
        """
        Delete a user and its keys.

        Raises:
            Clash: It is the last administrator.
        """
        with database.transaction(self._engine, "locked") as connection:
            self._keep_an_admin(connection, account)
            keys, users = database.api_keys, database.users
            connection.execute(keys.delete().where(keys.c.user_id == account.id))
            connection.execute(users.delete().where(users.c.id == account.id))

    def check(self, username: str, password: str) -> Account | None:
        """Give the user whose password this is."""
        account = self.named(username)
        if account is None:
            self._matches(self._nobody, password)
            return None
        return account if self._fits(account.id, password) else None

    def change_password(self, account: Account, current: str, new: str) -> Account:
        """
        Change one's own password; all sessions end.

        Raises:
            Invalid: The present password is wrong, or the new one too short.
        """
        if not self._fits(account.id, current):
            raise Invalid("current password is wrong")
        return self.set_password(account, new)

    def set_password(self, account: Account, new: str) -> Account:
        """Give a user another password; all sessions end."""
        check_password(new)
        self._set_password(account.id, new, seeded=False)
        return self.get(account.id)

    def reset_password(self, account: Account, new: str) -> None:
        """Take a user's password, sessions and API keys away, and give another password."""
        check_password(new)
        self._set_password(account.id, new, seeded=False, keep_keys=False)

    # --- API keys ---

    def make_key(
        self, account: Account, name: str, role: Role, own: Role
    ) -> tuple[str, dict[str, Any]]:
        """
        Make a key for *account*.

        Args:
            account: Whose.

            name: What it is for.

            role: Which role it has.

            own: The role of who asks; a key cannot have a higher one.

        Raises:
            Denied: The role is higher than one's own.
        """
        if not name.strip():
            raise Invalid("name is required")
        _check_name("name", name)
        if level(role) > level(own):
            raise Denied("an API key cannot have a higher role than its maker")
        text = KEY_PREFIX + secrets.token_hex(32)
        row = {
            "id": str(uuid.uuid4()),
            "user_id": account.id,
            "name": name.strip()[:255],
            "prefix": text[:12],
            "digest": _digest(text),
            "role": role,
            "created_at": stamp(self._clock()),
        }
        with database.transaction(self._engine, "locked") as connection:
            connection.execute(database.api_keys.insert().values(row))
        return text, _key(row)

    def keys(self, account: Account) -> list[dict[str, Any]]:
        """List the keys of a user, without what they are."""
        table = database.api_keys
        query = sa.select(table).where(table.c.user_id == account.id).order_by(table.c.created_at)
        with self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def revoke_key(self, account: Account, identity: str) -> str:
        """
        Delete a key and give its name.

        Raises:
            Missing: The user has no such key.
        """
        table = database.api_keys
        mine = sa.and_(table.c.id == identity, table.c.user_id == account.id)
        with database.transaction(self._engine, "locked") as connection:
            name = connection.scalar(sa.select(table.c.name).where(mine))
            if name is None:
                raise Missing("api key not found")
            connection.execute(table.delete().where(mine))
        return str(name)

    def by_key(self, text: str) -> tuple[Account, dict[str, Any]] | None:
        """Find whose key this is, and the key."""
        table = database.api_keys
        with self._engine.connect() as connection:
            query = sa.select(table).where(table.c.digest == _digest(text))
            row = connection.execute(query).mappings().first()
        account = self.by_id(row["user_id"]) if row else None
        return (account, _key(row)) if row and account else None

    # --- inside ---

    def _insert(self, user: NewUser, *, identity: str, seeded: bool) -> Account:
        row = {
            "id": identity,
            "username": user.username,
            "display_name": user.display_name,
            "email": user.email,
            "role": as_role(user.role),
            "password_hash": self._hasher.hash(user.password),
            "seeded": seeded,
            "stamp": secrets.token_hex(8),
            "created_at": stamp(self._clock()),
        }
        try:
            with database.transaction(self._engine, "locked") as connection:
                connection.execute(database.users.insert().values(row))
        except sa.exc.IntegrityError:
            raise Clash("username is taken") from None
        return _account(row)

    def _find(self, condition: sa.ColumnElement[bool]) -> Account | None:
        with self._engine.connect() as connection:
            query = sa.select(database.users).where(condition)
            row = connection.execute(query).mappings().first()
        return _account(row) if row else None

    def _row(self, identity: str) -> Mapping[str, Any]:
        with self._engine.connect() as connection:
            query = sa.select(database.users).where(database.users.c.id == identity)
            return dict(connection.execute(query).mappings().one())

    def _fits(self, identity: str, password: str) -> bool:
        return self._matches(self._row(identity)["password_hash"], password)

    def _matches(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, password)
        except (VerificationError, InvalidHashError):
            return False

    def _set_password(
        self, identity: str, password: str, *, seeded: bool, keep_keys: bool = True
    ) -> None:
        values = {
            "password_hash": self._hasher.hash(password),
            "seeded": seeded,
            "stamp": secrets.token_hex(8),
        }
        keys, users = database.api_keys, database.users
        with database.transaction(self._engine, "locked") as connection:
            connection.execute(users.update().where(users.c.id == identity).values(values))
            if not keep_keys:
                connection.execute(keys.delete().where(keys.c.user_id == identity))

    def _keep_an_admin(self, connection: sa.Connection, account: Account) -> None:
        users = database.users
        others = sa.and_(users.c.role == "admin", users.c.id != account.id)
        query = sa.select(sa.func.count()).select_from(users).where(others)
        if account.role == "admin" and not connection.scalar(query):
            raise Clash("the last administrator stays")


def check_password(password: str) -> None:
    """
    Refuse a password that is too short.

    Raises:
        Invalid: It is.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(f"a password has at least {SHORTEST_PASSWORD} characters")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _account(row: Mapping[Any, Any]) -> Account:
    return Account(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"],
        email=row["email"],
        role=as_role(row["role"]),
        stamp=row["stamp"],
        created_at=row["created_at"],
    )


def _key(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "userId": row["user_id"],
        "name": row["name"],
        "prefix": row["prefix"],
        "role": row["role"],
        "createdAt": row["created_at"],
    }


def _check_name(what: str, name: str) -> None:
    """Refuse what would fill a page, or stand in a trail as somebody else's name."""
    if len(name) > LONGEST_NAME:
        raise Invalid(f"{what} is too long")
    if not name.isprintable():
        raise Invalid(f"{what} must not have characters that cannot be seen")
