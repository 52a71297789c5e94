"""Changing the key that stored configurations are encrypted with."""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy as sa

from gantry_argocd.refhost import database
from gantry_argocd.refhost.problems import Broken
from gantry_argocd.refhost.vault import (
    KEY_BYTES,
    PREFIX,
    Undecryptable,
    Vault,
    key_from_text,
    keys_from_file,
    keys_to_file,
)


class KeysMixed(Broken):
    """A stored configuration cannot be opened with the present key, so the key must stay."""


def rotate(data_dir: Path, *, present: str | None, wanted: str | None) -> list[str]:
    """
    Encrypt everything that is stored with a new key. All of it, or nothing.

    A new key in the key file stands there before anything is sealed with it, beside the former
    one, so an end in the middle loses nothing, and a host that runs goes on. A key of the
    environment is the operator's to hand over: the host has to be restarted with it.

    Args:
        data_dir: Of the host.

        present: The key of the environment. None for the key file.

        wanted: The new key of the environment. None for a new one in the key file.

    Returns:
        The plugins whose configurations were sealed anew.

    Raises:
        KeysMixed: The present key does not open everything. Nothing has changed.

        ValueError: There is no database or no key, or the database cannot be used.
    """
    path = data_dir / "gantry.db"
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    former = [key_from_text(present)] if present is not None else keys_from_file(data_dir)
    new = key_from_text(wanted) if wanted is not None else secrets.token_bytes(KEY_BYTES)
    engine = database.make_engine(f"sqlite:///{path}")
    try:
        before, after = Vault(*former), Vault(new)
        reseal(engine, before, before, check=True)
        if wanted is None:
            keys_to_file(data_dir, [new, *former])
        done = reseal(engine, Vault(new, *former), after)
        if wanted is None:
            # The former one stays: the host may have sealed with it until just now.
            keys_to_file(data_dir, [new, former[0]])
        _forget_deleted(engine)
    finally:
        engine.dispose()
    return done


def reseal(
    engine: sa.Engine,
    before: Vault,
    after: Vault,
    *,
    check: bool = False,
    plain_only: bool = False,
) -> list[str]:
    """
    Open every stored configuration with one vault and seal it with another, in one transaction.

    Args:
        engine: Where.

        before: Opens.

        after: Seals.

        check: Only say whether it can be done.

        plain_only: Leave alone what is sealed.

    Raises:
        KeysMixed: One cannot be opened. Nothing has changed.
    """
    table = database.plugins
    done = []
    with database.transaction(engine, "locked") as connection:
        rows = connection.execute(sa.select(table.c.name, table.c.config).order_by(table.c.name))
        for name, config in rows.all():
            if not config or (plain_only and config.startswith(PREFIX)):
                continue
            try:
                values = before.open(config)
            except Undecryptable:
                raise KeysMixed(
                    f"the configuration of the plugin {name} cannot be opened with the present "
                    "key: nothing was changed. Give the key that it was stored with, or save the "
                    "configuration anew first."
                ) from None
            if not check:
                changed = table.update().where(table.c.name == name)
                connection.execute(changed.values(config=after.seal(values)))
            done.append(name)
    return done


def _forget_deleted(engine: sa.Engine) -> None:
    """Have SQLite overwrite what it has deleted: it is sealed with a key that may be known."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
