"""The data folder and the database: who may read them, and what cannot be used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gantry_argocd.refhost import DatabaseUnusable, create_host

from .support import make_host


def test_what_is_stored_is_for_its_owner_only(tmp_path: Path) -> None:
    """Other users of the machine can read neither the folder nor the database nor the key."""
    folder = tmp_path / "made" / "data"
    host = make_host(folder)
    host.start()
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    host.close()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {"gantry.db", "encryption.key"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_database_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    """A database of an earlier release is shut at the next start."""
    make_host(tmp_path).close()
    (tmp_path / "gantry.db").chmod(0o644)

    make_host(tmp_path).close()

    assert (tmp_path / "gantry.db").stat().st_mode & 0o777 == 0o600


def test_a_folder_in_place_of_the_database_is_one_sentence(tmp_path: Path) -> None:
    """An operator reads which file cannot be used, and why."""
    (tmp_path / "gantry.db").mkdir()

    with pytest.raises(DatabaseUnusable, match="Is a directory") as raised:
        create_host(data_dir=tmp_path)

    assert raised.value.path == str(tmp_path / "gantry.db")
    assert raised.value.reason == "Is a directory"
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    """Some other file of that name is left alone, and said to be no database."""
    content = b"these are my notes, not a database\n" * 100
    (tmp_path / "gantry.db").write_bytes(content)

    with pytest.raises(DatabaseUnusable, match="file is not a database"):
        create_host(data_dir=tmp_path)

    assert (tmp_path / "gantry.db").read_bytes() == content


def test_a_database_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    """A database whose tables are not ours is refused with what is lacking."""
    with closing(sqlite3.connect(tmp_path / "gantry.db")) as connection:
        connection.execute("CREATE TABLE users (id TEXT PRIMARY KEY)")
        connection.commit()

    with pytest.raises(DatabaseUnusable, match=r"no such column: users\.username"):
        create_host(data_dir=tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "the database of that URL cannot be used: Could not parse"),
        ("sqlite:////nowhere/at/all.db", "/nowhere/at/all.db cannot be used: unable to open"),
        ("strange://ada:S3CRET@db/x", r"strange://ada:\*\*\*@db/x cannot be used: Can't load"),
    ],
)
def test_an_unusable_url_is_one_sentence_without_its_password(url: str, said: str) -> None:
    """A wrong database URL is named without the password in it."""
    with pytest.raises(DatabaseUnusable, match=said) as raised:
        create_host(database_url=url, encryption_key="x")

    assert "S3CRET" not in str(raised.value)
