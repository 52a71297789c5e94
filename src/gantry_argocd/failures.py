"""
What the transport met, as an error of the tree.
"""

from __future__ import annotations

import httpx

from . import errors
from .tls import tls_failure


def explain_failure(failure: Exception, instance: str) -> errors.ArgoCDError:
    """Say in the error tree what the transport met; its own text is not handed on."""
    text = str(failure)
    if isinstance(failure, httpx.TimeoutException):
        return errors.TimedOut(_waited_for(failure), instance=instance)
    if isinstance(failure, httpx.ProxyError):
        # httpx begins its text with the proxy's status.
        status = f" with {text[:3]}" if text[:3].isdecimal() and text.isascii() else ""
        return errors.Unreachable(
            f"the HTTP proxy refused the connection{status}", instance=instance
        )
    if isinstance(failure, httpx.NetworkError) and (words := tls_failure(text)):
        return errors.TLSFailed(words, instance=instance)
    if isinstance(failure, httpx.ConnectError):
        reason = _reason(text)
        refused = reason == "connection refused"
        return errors.Unreachable(f"no connection ({reason})", instance=instance, transient=refused)
    if isinstance(failure, httpx.DecodingError):
        return errors.Malformed("the answer cannot be decompressed", instance=instance)
    if isinstance(failure, (httpx.RemoteProtocolError, httpx.InvalidURL)):
        return _broken_rules(failure, instance)
    if isinstance(failure, (httpx.LocalProtocolError, UnicodeEncodeError)):
        return errors.Unauthenticated(
            "the token or a configured header holds what no header can", instance=instance
        )
    if isinstance(failure, RuntimeError):
        return errors.Unreachable("the connection was closed", instance=instance)
    return errors.Unreachable("the connection broke", instance=instance)


def _waited_for(failure: httpx.TimeoutException) -> str:
    if isinstance(failure, httpx.ConnectTimeout):
        return "no connection within the time limit"
    if isinstance(failure, httpx.PoolTimeout):
        return "too many calls to the instance are under way"
    return "no answer within the time limit"


def _broken_rules(failure: Exception, instance: str) -> errors.ArgoCDError:
    text = str(failure)
    # httpx reads where a redirect leads, although nobody follows.
    if isinstance(failure, httpx.InvalidURL) or "location header" in text:
        return errors.NotArgoCD("redirected to what is no address", instance=instance)
    if "without" in text:  # "... disconnected without sending a response", "... complete message"
        return errors.Unreachable("the connection broke before the answer ended", instance=instance)
    return errors.NotArgoCD("what answers does not keep to HTTP", instance=instance)


def _reason(text: str) -> str:
    for mark, words in (
        ("refused", "connection refused"),
        ("Name or service", "the host name is unknown"),
        ("name resolution", "the host name cannot be resolved"),
        ("nodename", "the host name is unknown"),
        ("No address", "the host name has no address"),
        ("unreachable", "network unreachable"),
        ("No route", "no route to the host"),
        ("reset", "connection reset"),
    ):
        if mark in text:
            return words
    return "network error"
