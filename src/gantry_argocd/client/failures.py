"""
What the transport met, as an error of the tree.
"""

from __future__ import annotations

import httpx

from .. import errors
from .tls import tls_failure


def explain_failure(failure: Exception, instance: str) -> errors.ArgoCDError:
    """Say in the error tree what the transport met; its own text is not handed on."""
    text = str(failure)
    if isinstance(failure, httpx.TimeoutException):
        return errors.TimedOut(_waited_for(failure), instance=instance)
    if isinstance(failure, httpx.ProxyError):
        # httpx begins its text with the proxy's status.
        status = f" with {text[:3]}" if text[:3].isdecimal() and text.isascii() else ""
        return errors.ProxyFailed(
            f"the HTTP proxy refused the connection{status}", instance=instance
        )
    if isinstance(failure, httpx.NetworkError) and (problem := tls_failure(text, instance)):
        return problem
    if isinstance(failure, httpx.ConnectError):
        return _no_connection(text, instance)
    if isinstance(failure, httpx.DecodingError):
        return errors.Malformed("the answer cannot be decompressed", instance=instance)
    if isinstance(failure, (httpx.RemoteProtocolError, httpx.InvalidURL)):
        return _broken_rules(failure, instance)
    if isinstance(failure, (httpx.LocalProtocolError, UnicodeEncodeError)):
        return errors.Unauthenticated(
            "the token or a configured header holds what no header can", instance=instance
        )
    if isinstance(failure, RuntimeError):
        return errors.Broken("the connection was closed", instance=instance)
    return errors.Broken("the connection broke", instance=instance)


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
        return errors.Broken("the connection broke before the answer ended", instance=instance)
    return errors.NotHTTP("what answers does not keep to HTTP", instance=instance)


_REASONS: tuple[tuple[str, type[errors.Unreachable], str], ...] = (
    ("refused", errors.Refused, "connection refused"),
    ("Name or service", errors.UnknownHost, "the host name is unknown"),
    ("name resolution", errors.UnknownHost, "the host name cannot be resolved"),
    ("nodename", errors.UnknownHost, "the host name is unknown"),
    ("No address", errors.UnknownHost, "the host name has no address"),
    ("unreachable", errors.Unreachable, "network unreachable"),
    ("No route", errors.Unreachable, "no route to the host"),
    ("reset", errors.Broken, "connection reset"),
)


def _no_connection(text: str, instance: str) -> errors.Unreachable:
    for mark, kind, words in _REASONS:
        if mark in text:
            return kind(
                f"no connection ({words})", instance=instance, transient=kind is errors.Refused
            )
    return errors.Unreachable("no connection (network error)", instance=instance)
