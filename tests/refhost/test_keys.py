"""The key that configurations are encrypted with: made, changed, lost, and wrong."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gantry_argocd.refhost import rotate
from gantry_argocd.refhost.rotation import KeysMixed
from gantry_argocd.refhost.trail import Actor
from gantry_argocd.refhost.vault import (
    KEY_FILE,
    Drafts,
    FileVault,
    Undecryptable,
    Vault,
    key_from_text,
    keys_from_file,
    keys_to_file,
)

from .support import Marker, make_host, portal

CONFIG = {"url": "https://x", "token": "canary-4711"}
COMMAND = Path(sys.executable).with_name("gantry-argocd")


def stored(folder: Path, **keys: Any) -> Any:
    """Start a host and give what it hands to its plugin."""
    host = make_host(folder, Marker(), **keys)
    try:
        host.start()
        state = host.lifecycle.state("marker")
        return state.unreadable or state.config
    finally:
        host.close()


def configured(folder: Path, **keys: Any) -> None:
    """Store a configuration."""
    host = make_host(folder, Marker(), **keys)
    host.start()
    host.lifecycle.put_config("marker", CONFIG, Actor("ada"))
    host.close()


def sealed(folder: Path) -> str:
    """Read what is in the database."""
    with closing(sqlite3.connect(folder / "gantry.db")) as connection:
        rows = connection.execute("SELECT config FROM plugins WHERE name = 'marker'")
        return str(rows.fetchone()[0])


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Two hosts that start together have the same key, and nobody else can read it."""
    first = keys_from_file(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)

    assert keys_from_file(tmp_path) == first
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    (tmp_path / KEY_FILE).write_text("nonsense")
    with pytest.raises(ValueError, match="does not hold 32 bytes"):
        keys_from_file(tmp_path)


def test_a_new_key_in_the_file_opens_everything(tmp_path: Path) -> None:
    """After a change of the key the configuration is as it was, sealed with another key."""
    configured(tmp_path)
    before, old = sealed(tmp_path), keys_from_file(tmp_path)

    assert rotate(tmp_path, present=None, wanted=None) == ["marker"]
    new = keys_from_file(tmp_path)

    assert stored(tmp_path) == CONFIG
    assert new[0] != old[0]
    assert new[1:] == old
    with pytest.raises(Undecryptable):
        Vault(*old).open(sealed(tmp_path))
    everything = b"".join(path.read_bytes() for path in tmp_path.glob("gantry.db*"))
    assert before.encode() not in everything
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    rotate(tmp_path, present=None, wanted=None)
    assert old[0] not in keys_from_file(tmp_path)
    assert stored(tmp_path) == CONFIG


def test_a_host_that_runs_goes_on_with_the_new_key(tmp_path: Path) -> None:
    """The key changes under a running host, which reads and writes on."""
    with portal(tmp_path, Marker()) as site:
        client = site.rest()
        client.put("/api/v1/plugins/marker/config", json=CONFIG)
        rotate(tmp_path, present=None, wanted=None)
        shown = client.get("/api/v1/plugins/marker/config")
        again = client.put("/api/v1/plugins/marker/config", json=CONFIG | {"url": "https://y"})

    assert shown.json()["values"]["url"] == "https://x"
    assert again.status_code == 204
    assert Vault(keys_from_file(tmp_path)[0]).open(sealed(tmp_path))["url"] == "https://y"


@pytest.mark.parametrize("written", [1, 2])
def test_an_end_in_the_middle_loses_nothing(tmp_path: Path, written: int) -> None:
    """Whether only the file or the database as well was written: all can be read, and rotated."""
    configured(tmp_path)
    (old,) = keys_from_file(tmp_path)
    keys_to_file(tmp_path, [b"n" * 32, old])
    if written == 2:
        text = Vault(b"n" * 32).seal(CONFIG)
        with closing(sqlite3.connect(tmp_path / "gantry.db")) as connection:
            connection.execute("UPDATE plugins SET config = ?", (text,))
            connection.commit()

    assert stored(tmp_path) == CONFIG
    rotate(tmp_path, present=None, wanted=None)
    assert stored(tmp_path) == CONFIG


def test_keys_move_between_file_and_environment(tmp_path: Path) -> None:
    """From the file to a key of the operator's, and from that to the next one."""
    configured(tmp_path)
    rotate(tmp_path, present=None, wanted="first")
    assert stored(tmp_path, encryption_key="first") == CONFIG
    rotate(tmp_path, present="first", wanted="second")
    assert stored(tmp_path, encryption_key="second") == CONFIG
    assert "key has changed" in stored(tmp_path, encryption_key="first")


def test_a_wrong_key_changes_nothing(tmp_path: Path) -> None:
    """A rotation that cannot open everything leaves key file and database as they are."""
    configured(tmp_path, encryption_key="first")
    before = sealed(tmp_path)
    for present, wanted in (("other", "second"), (None, None), (None, "second")):
        with pytest.raises(KeysMixed, match="the plugin marker cannot be opened"):
            rotate(tmp_path, present=present, wanted=wanted)
    assert sealed(tmp_path) == before
    assert len(keys_from_file(tmp_path)) == 1
    assert stored(tmp_path, encryption_key="first") == CONFIG
    with pytest.raises(ValueError, match="is not there"):
        rotate(tmp_path / "nowhere", present=None, wanted=None)


def test_what_was_stored_in_the_clear_is_sealed_at_the_start(tmp_path: Path) -> None:
    """A configuration of before there was encryption is read once and encrypted."""
    make_host(tmp_path, Marker()).close()
    with closing(sqlite3.connect(tmp_path / "gantry.db")) as connection:
        connection.execute('UPDATE plugins SET config = \'{"url": "https://x"}\'')
        connection.commit()

    assert stored(tmp_path) == {"url": "https://x"}
    assert sealed(tmp_path).startswith("enc:v1:")


def test_a_draft_opens_for_its_owner_only() -> None:
    """What was typed into a form is no stored secret, and of no use to anybody else."""
    vault = Vault(key_from_text("x"))
    drafts = Drafts(vault)
    sealed_text = drafts.seal("canary", "ada")

    assert "canary" not in sealed_text
    assert drafts.open(sealed_text, "ada") == "canary"
    assert drafts.open(sealed_text, "bob") is None
    for other in (
        vault.seal({"text": "x", "owner": "ada"}),
        '{"text":"x","owner":"ada"}',
        "enc:v1:",
    ):
        assert drafts.open(other, "ada") is None
    assert "canary" not in repr(drafts) + repr(vault)


def test_a_vault_never_shows_its_key(tmp_path: Path) -> None:
    """Neither vault says its key, and a key of another length is refused."""
    key = keys_from_file(tmp_path)[0]
    for vault in (Vault(key), FileVault(tmp_path)):
        assert key.hex() not in repr(vault)
        assert repr(key) not in repr(vault)
    with pytest.raises(ValueError, match="32 bytes, not 3"):
        Vault(key, b"abc")


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("GANTRY_")}
    return subprocess.run(  # noqa: S603
        [COMMAND, "rotate-key", "--data-dir", str(folder)],
        capture_output=True, text=True, timeout=60, check=False, env=bare | environment,
    )  # fmt: skip


def test_the_command_says_what_it_did_and_what_is_to_be_done(tmp_path: Path) -> None:
    """From the shell: the key file by itself, the environment by two variables, mistakes told."""
    configured(tmp_path)
    by_file = run(tmp_path)
    half = run(tmp_path, GANTRY_ENCRYPTION_KEY="first")
    to_environment = run(tmp_path, GANTRY_NEW_ENCRYPTION_KEY="first")
    same = run(tmp_path, GANTRY_ENCRYPTION_KEY="first", GANTRY_NEW_ENCRYPTION_KEY="first")
    wrong = run(tmp_path, GANTRY_ENCRYPTION_KEY="x", GANTRY_NEW_ENCRYPTION_KEY="second")

    assert by_file.stdout == "1 configuration encrypted with the new key\n", by_file.stderr
    assert (half.returncode, same.returncode, wrong.returncode) == (2, 2, 1)
    assert "GANTRY_NEW_ENCRYPTION_KEY" in half.stderr
    assert "Start the host with the new key" in to_environment.stdout
    assert "cannot be opened with the present key" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert stored(tmp_path, encryption_key="first") == CONFIG
