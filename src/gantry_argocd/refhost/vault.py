"""Encryption of plugin configurations at rest, and the keys derived from the host's one key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gantry_argocd.refhost.problems import Broken

PREFIX = "enc:v1:"
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_FILE = "encryption.key"


class Undecryptable(Broken):
    """A stored configuration was made with another key, or is damaged."""

    code = "undecryptable"


class Vault:
    """
    Seals configurations with AES-256-GCM.

    Args:
        key: 32 bytes, see :func:`key_from_text` and :func:`keys_from_file`.

        former: Keys that open what was sealed before the key was changed.
    """

    def __init__(self, key: bytes, *former: bytes) -> None:
        for each in (key, *former):
            if len(each) != KEY_BYTES:
                msg = f"an encryption key has {KEY_BYTES} bytes, not {len(each)}"
                raise ValueError(msg)
        self._given = (key, *former)

    def __repr__(self) -> str:
        return "Vault(key=…)"

    def seal(self, config: Mapping[str, Any]) -> str:
        """Encrypt *config* under a fresh nonce."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._keys()[0]).encrypt(nonce, json.dumps(config).encode(), None)
        return PREFIX + base64.b64encode(nonce + sealed).decode()

    def open(self, text: str) -> dict[str, Any]:
        """
        Decrypt what :meth:`seal` gave. Text without the prefix is read as plain JSON.

        Raises:
            Undecryptable: With a sentence that says what to do; never with the text.
        """
        try:
            config = json.loads(self._plain(text))
        except (ValueError, InvalidTag):
            config = None
        if not isinstance(config, dict):
            msg = (
                "the stored configuration cannot be decrypted: the host's encryption key has "
                "changed. Start the host with the former key, or save the configuration anew."
            )
            raise Undecryptable(msg) from None
        return config

    def derive(self, purpose: str) -> str:
        """Give a secret for *purpose* that tells nothing of the key."""
        return hmac.new(self._keys()[0], f"gantry:{purpose}".encode(), hashlib.sha256).hexdigest()

    def _keys(self) -> Sequence[bytes]:
        return self._given

    def _plain(self, text: str) -> bytes:
        if not text.startswith(PREFIX):
            return text.encode()
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        for key in self._keys():
            try:
                return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None)
            except InvalidTag:
                continue
        raise InvalidTag


class FileVault(Vault):
    """
    A vault whose keys are in the key file of a folder, read at each use.

    A host that runs takes part in a change of the key without a restart.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(*keys_from_file(folder))
        self._folder = folder

    def _keys(self) -> Sequence[bytes]:
        return keys_from_file(self._folder)


class Drafts:
    """
    Secrets that somebody has typed and not saved: they go with the form, encrypted.

    Args:
        vault: Of the host. What is stored is of no use as a draft, and the other way round.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = Vault(bytes.fromhex(vault.derive("form-drafts")))

    def seal(self, text: str, owner: str) -> str:
        """Encrypt *text* for *owner*."""
        return self._vault.seal({"text": text, "owner": owner})

    def open(self, sealed: str, owner: str) -> str | None:
        """Give the text; None when it was not sealed for *owner*."""
        try:
            found = self._vault.open(sealed) if sealed.startswith(PREFIX) else {}
        except Undecryptable:
            return None
        text = found.get("text")
        return text if found.get("owner") == owner and isinstance(text, str) else None


def key_from_text(text: str) -> bytes:
    """Turn what an operator gives (``GANTRY_ENCRYPTION_KEY``) into a key."""
    return hashlib.sha256(text.encode()).digest()


def keys_from_file(folder: Path) -> list[bytes]:
    """
    Read the key file of the data folder; make it, for its owner alone, when it is missing.

    Returns:
        The key, and those before it.

    Raises:
        ValueError: If the file is there and holds no keys.
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # somebody else was faster
            _write(path, [secrets.token_bytes(KEY_BYTES)], replace=False)
    with suppress(OSError):  # of somebody else, or on a volume that cannot be written
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    try:
        keys = [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        msg = f"{path} does not hold {KEY_BYTES} bytes as hexadecimal digits"
        raise ValueError(msg)
    return keys


def keys_to_file(folder: Path, keys: Sequence[bytes]) -> None:
    """Replace the key file at once: whoever reads it gets the former keys, or these."""
    _write(folder / KEY_FILE, keys, replace=True)


def _write(path: Path, keys: Sequence[bytes], *, replace: bool) -> None:
    # mkstemp makes files that their owner alone may read.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("".join(f"{key.hex()}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        if replace:
            Path(name).replace(path)
        else:
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
