"""Encryption of plugin configurations at rest, and the keys derived from the host's one key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
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
        key: 32 bytes, see :func:`key_from_text` and :func:`key_from_file`.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            msg = f"an encryption key has {KEY_BYTES} bytes, not {len(key)}"
            raise ValueError(msg)
        self._key = key

    def __repr__(self) -> str:
        return "Vault(key=…)"

    def seal(self, config: Mapping[str, Any]) -> str:
        """Encrypt *config* under a fresh nonce."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key).encrypt(nonce, json.dumps(config).encode(), None)
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
        return hmac.new(self._key, f"gantry:{purpose}".encode(), hashlib.sha256).hexdigest()

    def _plain(self, text: str) -> bytes:
        if not text.startswith(PREFIX):
            return text.encode()
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        return AESGCM(self._key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None)


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


def key_from_file(folder: Path) -> bytes:
    """
    Read the key file of the data folder; make it, for its owner alone, when it is missing.

    Raises:
        ValueError: If the file is there and holds no key.
    """
    path = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES))
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        msg = f"{path} does not hold {KEY_BYTES} bytes as hexadecimal digits"
        raise ValueError(msg)
    return key
