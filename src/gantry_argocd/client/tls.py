"""
Whom TLS trusts, who we are, and why a handshake failed.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import certifi

from .. import errors

if TYPE_CHECKING:
    from ..settings import InstanceSettings


def tls_context(settings: InstanceSettings) -> ssl.SSLContext:
    """
    Make what TLS needs: whom to trust, and who we are.

    The system's authorities count as well as the bundled ones: companies put theirs there.

    Raises:
        TLSFailed: If a file cannot be read.
    """
    if settings.url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: redirects are not followed
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    if settings.insecure_skip_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if settings.ca_bundle.startswith("file:"):
            context.load_verify_locations(cafile=settings.ca_bundle.removeprefix("file:"))
        elif settings.ca_bundle:
            context.load_verify_locations(cadata=settings.ca_bundle)
    except (OSError, ValueError):
        raise errors.TLSFailed("caBundle cannot be read", instance=settings.name) from None
    if settings.client_certificate:
        key = settings.client_key.removeprefix("file:") or None
        try:
            context.load_cert_chain(settings.client_certificate.removeprefix("file:"), key)
        except (OSError, ValueError):
            raise errors.TLSFailed(
                "clientCertificate or clientKey cannot be read", instance=settings.name
            ) from None
    return context


_MEANINGS: tuple[tuple[str, type[errors.TLSFailed], str], ...] = (
    ("has expired", errors.OutOfDate, "the certificate has expired"),
    ("not yet valid", errors.OutOfDate, "the certificate is not valid yet"),
    ("self-signed", errors.UnknownAuthority, "the certificate is self-signed"),
    ("self signed", errors.UnknownAuthority, "the certificate is self-signed"),
    ("Hostname mismatch", errors.WrongName, "the certificate is for another host name"),
    ("IP address mismatch", errors.WrongName, "the certificate is for another address"),
    ("unable to get", errors.UnknownAuthority, "the certificate is of an unknown authority"),
    ("WRONG_VERSION_NUMBER", errors.NoTLS, "the server does not speak TLS at this port"),
    ("CERTIFICATE_REQUIRED", errors.WhoAreYou, "the server wants a client certificate"),
    ("HANDSHAKE_FAILURE", errors.WhoAreYou, "the server refused: for want of a certificate?"),
    ("ALERT_UNKNOWN_CA", errors.WhoAreYou, "the server does not trust our client certificate"),
    ("ALERT_BAD_CERTIFICATE", errors.WhoAreYou, "the server refused our client certificate"),
    ("UNRECOGNIZED_NAME", errors.WrongName, "the server does not know the host name of argocdUrl"),
    ("PROTOCOL_VERSION", errors.TLSFailed, "the server speaks only outdated versions of TLS"),
    ("UNSUPPORTED_PROTOCOL", errors.TLSFailed, "the server speaks only outdated versions of TLS"),
)


def tls_failure(text: str, instance: str = "") -> errors.TLSFailed | None:
    """
    Say what OpenSSL's words mean.

    Returns:
        None when they are none of OpenSSL's.
    """
    for mark, kind, words in _MEANINGS:
        if mark in text:
            return kind(words, instance=instance)
    if "CERTIFICATE" in text or "SSL" in text.upper():
        return errors.TLSFailed("TLS failed", instance=instance)
    return None
