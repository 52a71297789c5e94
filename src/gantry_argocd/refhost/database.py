"""
The tables, and how a connection begins a transaction.

SQLAlchemy Core with portable types only. The two places that know a dialect are
:func:`make_engine` (pragmas of SQLite) and :func:`transaction` (how a writer begins).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

BUSY_MILLISECONDS = 15_000
"""How long a writer of SQLite waits for another one."""

metadata = sa.MetaData()

clock = sa.Table(
    "catalogue_clock",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("ticks", sa.BigInteger, nullable=False),
)
"""
One row, advanced by every transaction that changes an entity.

Who read at tick 7 and wants to write has to find tick 7 still there; so a Service that appeared
in between is noticed as well as one that changed.
"""

entities = sa.Table(
    "entities",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("namespace", sa.String(253), nullable=False),
    sa.Column("name", sa.String(253), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False, index=True),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("updated_at", sa.String(32), nullable=False),
    sa.Column("created_by", sa.String(255), nullable=False),
    sa.UniqueConstraint("kind", "namespace", "name"),
)
"""``version`` is the tick of the transaction that wrote the row last."""

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("username", sa.String(255), nullable=False, unique=True),
    sa.Column("display_name", sa.String(255), nullable=False),
    sa.Column("email", sa.String(255), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("seeded", sa.Boolean, nullable=False),
    sa.Column("stamp", sa.String(32), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
)
"""``stamp`` is in every session token; a new one (a new password) ends the old sessions."""

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("prefix", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
)

plugins = sa.Table(
    "plugins",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("config", sa.Text, nullable=True),
    sa.Column("trusted", sa.Boolean, nullable=False),
    sa.Column("installed_at", sa.String(32), nullable=False),
    sa.Column("updated_at", sa.String(32), nullable=False),
)
"""``trusted``: the configuration came from the operator's own file (G1)."""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("timestamp", sa.String(32), nullable=False),
    sa.Column("user_id", sa.String(255), nullable=False),
    sa.Column("user_name", sa.String(255), nullable=False),
    sa.Column("action", sa.String(255), nullable=False),
    sa.Column("resource_type", sa.String(255), nullable=False),
    sa.Column("resource_id", sa.String(600), nullable=False, index=True),
    sa.Column("resource_name", sa.String(600), nullable=False),
    sa.Column("before_state", sa.Text, nullable=True),
    sa.Column("after_state", sa.Text, nullable=True),
    sa.Column("details", sa.Text, nullable=True),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("ip_address", sa.String(64), nullable=False),
)


class DatabaseUnusable(ValueError):
    """
    The database cannot be opened, or is not one of ours.

    Attributes:
        path: The file, or the URL without its password.

        reason: One line that says why.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"the database {path} cannot be used: {reason}")
        self.path = path
        self.reason = reason


@contextmanager
def usable(url: str) -> Iterator[None]:
    """
    Turn whatever a database says while it is opened into one sentence.

    Raises:
        DatabaseUnusable: It cannot be opened, or is not one of ours.
    """
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        reason = (str(cause).splitlines() or [type(cause).__name__])[0]
        raise DatabaseUnusable(_shown(url), reason) from None


def make_private_file(path: Path) -> None:
    """
    Make a file that its owner alone may read, or make the one that is there so.

    Raises:
        DatabaseUnusable: It is no file, or cannot be written.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            with suppress(PermissionError):  # of somebody else, who lets us write
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise DatabaseUnusable(str(path), str(error.strerror)) from None


def make_engine(url: str) -> sa.Engine:
    """
    Connect to the database and make the tables that are missing.

    Args:
        url: ``sqlite:///path`` of a file, or the URL of another database that SQLAlchemy knows.

    Raises:
        DatabaseUnusable: It cannot be opened.
    """
    with usable(url):
        engine = sa.create_engine(url, pool_size=20, max_overflow=30)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        try:
            metadata.create_all(engine)
            with transaction(engine, "locked") as connection:
                if connection.scalar(sa.select(clock.c.ticks)) is None:
                    connection.execute(clock.insert().values(id=1, ticks=0))
        except BaseException:
            engine.dispose()
            raise
    return engine


def _shown(url: str) -> str:
    try:
        known = sa.make_url(url)
    except sa.exc.SQLAlchemyError:
        return "of that URL"
    if known.drivername.startswith("sqlite"):
        return known.database or "in memory"
    return known.render_as_string(hide_password=True)


@contextmanager
def transaction(engine: sa.Engine, mode: Literal["snapshot", "locked"]) -> Iterator[sa.Connection]:
    """
    Run a transaction that commits at the end of the block and rolls back on an exception.

    Args:
        engine: Where.

        mode:
            ``snapshot`` sees one state of the database and fails at its first write when another
            writer has been faster; ``locked`` waits for the other writers first.
    """
    options: dict[str, Any] = {"gantry_begin": "IMMEDIATE" if mode == "locked" else "DEFERRED"}
    if engine.dialect.name != "sqlite" and mode == "snapshot":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name != "sqlite" and mode == "locked":
            connection.execute(sa.select(clock.c.ticks).with_for_update())
        yield connection


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own idea of when a transaction begins is switched off: it would begin one
    # only at the first write, and what was read before would belong to another snapshot.
    connection.isolation_level = None
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    except sqlite3.Error:
        connection.close()
        raise


def _begin_sqlite(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get("gantry_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
