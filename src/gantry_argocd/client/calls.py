"""
One Argo CD server over REST: the calls that the plugin makes, and nothing more.

Blocking and thread-safe. Every failure is an :class:`~gantry_argocd.errors.ArgoCDError`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import errors
from ..models import SourceKind
from ..wire import PORTABLE_FIELDS, STREAM_FIELDS, Refusal, decode, explain, sync_window
from .transport import ANSWER_LIMIT, Call, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    import httpx

    from ..actions.request import SyncRequest
    from ..models import RevisionAsk
    from ..refs import AppKey
    from ..settings import InstanceSettings, Secret

LIST_LIMIT = 256 * 1024 * 1024
"""Bytes of a list answer, decompressed; Argo CD itself stops at 200 MB by default."""

STREAM_LIMIT = 1 << 50
"""Bytes of a stream: it is bounded by its time, and its lines by ANSWER_LIMIT."""

REVISION_TIMEOUT = 60.0
"""Seconds: the first look at a repository clones it."""

REVISION_LIMIT = 1024 * 1024

_REVISION_ROUTES = {
    SourceKind.GIT: "metadata",
    SourceKind.HELM: "chartdetails",
    SourceKind.OCI: "ocimetadata",
}


class Client:
    """
    The calls to one instance.

    Args:
        settings: The instance.

        reveal: Gives the text of a secret; reads references.

        now: The time, aware.

        monotonic: Seconds that pass, whatever is done to the system's clock: for all deadlines.

        transport: For tests. None for the network.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        *,
        reveal: Callable[[Secret], str],
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._transport = Transport(
            settings, reveal=reveal, now=now, monotonic=monotonic, transport=transport
        )

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self._settings.name

    def close(self) -> None:
        """Close all connections; calls under way fail."""
        self._transport.close()

    @property
    def clock_skew(self) -> float | None:
        """
        Seconds that the server's clock is ahead of ours, by its last answer.

        None when it said no time.
        """
        return self._transport.clock_skew

    # --- reads ---

    def list_applications(self) -> bytes:
        """Fetch the projected list of everything that the instance is restricted to."""
        return self._send(
            "GET",
            "/api/v1/applications",
            self._scope(PORTABLE_FIELDS),
            doing="listing the applications",
            timeout=self._settings.timeouts.list,
            limit=LIST_LIMIT,
            # A sync always tries every instance (D5).
            always=True,
        )

    def application(self, key: AppKey, project: str, *, refresh: str | None = None) -> Any:
        """
        Fetch one Application in full; Argo CD's JSON.

        Args:
            key: Which one.

            project: Its project; without it Argo CD answers 403 for a missing one as well.

            refresh: ``normal`` or ``hard`` lets Argo CD compare it anew first, which may take
                as long as its controller likes.
        """
        params = {"appNamespace": key.namespace, "project": project}
        doing = f"reading {key.name}"
        timeout = None
        if refresh is not None:
            params["refresh"] = refresh
            # It blocks until the controller is done, for ever if need be (section 5).
            doing, timeout = f"refreshing {key.name}", self._settings.timeouts.refresh
        body = self._send(
            "GET", _app_path(key), params, doing=doing, right="applications, get", timeout=timeout
        )
        return decode(body, self.name)

    def revision(self, key: AppKey, project: str, ask: RevisionAsk) -> Any:
        """
        Ask what a revision is about; Argo CD's JSON.

        Argo CD may have to fetch the whole repository for that, so a failure of it says nothing
        of the instance.
        """
        params = {"appNamespace": key.namespace, "project": project, "sourceIndex": str(ask.index)}
        if ask.number is not None:
            params["versionId"] = str(ask.number)
        revision, route = quote(ask.revision, safe=""), _REVISION_ROUTES[ask.source.kind]
        call = Call(
            method="GET",
            path=f"{_app_path(key)}/revisions/{revision}/{route}",
            params=params,
            doing=f"reading a revision of {key.name}",
            right="applications, get",
            ends=self._monotonic() + REVISION_TIMEOUT,
            limit=REVISION_LIMIT,
            aside=True,
        )
        return decode(self._transport.send(call), self.name)

    def own_namespace(self) -> str | None:
        """Ask for Argo CD's own namespace; None when the server does not say."""
        body = self._send("GET", "/api/v1/settings", doing="reading its settings", always=True)
        settings = decode(body, self.name)
        found = settings.get("controllerNamespace") if isinstance(settings, dict) else None
        return found if isinstance(found, str) and found else None

    # --- questions about the server and ourselves ---

    def version(self, *, anonymous: bool = False) -> str:
        """Ask for the release of Argo CD, without credentials too; empty when it does not say."""
        body = self._send(
            "GET",
            "/api/version",
            doing="asking its version",
            anonymous=anonymous,
            always=True,  # the answer tells whether it is well again
        )
        answer = decode(body, self.name)
        found = answer.get("Version") if isinstance(answer, dict) else None
        return found if isinstance(found, str) else ""

    def user(self) -> str | None:
        """
        Ask who the credentials are.

        Returns:
            None when they are nobody's; Argo CD answers 200 all the same (section 2).
        """
        body = self._send("GET", "/api/v1/session/userinfo", doing="asking who we are")
        answer = decode(body, self.name)
        if not isinstance(answer, dict) or answer.get("loggedIn") is not True:
            return None
        return str(answer.get("username") or "")

    def can_sync(self, key: AppKey, project: str, own_namespace: str) -> bool:
        """Ask whether the credentials may sync an application; by policy alone (section 7)."""
        scope = [project, key.name] if key.namespace == own_namespace else [project, *key[1:]]
        path = "/".join(quote(part, safe="") for part in scope)
        body = self._send(
            "GET",
            f"/api/v1/account/can-i/applications/sync/{path}",
            doing="asking what we may do",
        )
        answer = decode(body, self.name)
        return isinstance(answer, dict) and answer.get("value") == "yes"

    def sync_window(self, key: AppKey, project: str) -> str:
        """Ask why no manual sync of an application is possible now; empty when one is."""
        params = {"appNamespace": key.namespace, "project": project}
        body = self._send(
            "GET", f"{_app_path(key)}/syncwindows", params, doing="asking for sync windows"
        )
        return sync_window(decode(body, self.name))

    def stream_opens(self, seconds: float) -> bool:
        """
        Say whether the stream of changes sends anything within *seconds*.

        Raises:
            ArgoCDError: If it is refused.
        """
        try:
            with self.stream_applications(seconds=seconds, patience=seconds) as results:
                return next(results, None) is not None
        except errors.TimedOut:
            return False

    @contextmanager
    def stream_applications(
        self, *, seconds: float, patience: float
    ) -> Iterator[Iterator[list[Any]]]:
        """
        Open the stream of changes; give what comes with each piece of it, Argo CD's JSON.

        An empty list is a sign of life. The end of the iterator is an orderly end of the stream,
        which means nothing: proxies close streams as they like (section 4).

        Args:
            seconds: How long it may last.

            patience: How long it may be silent; Argo CD sends something every 15 s once there
                was a first event, and nothing at all before.

        Raises:
            ArgoCDError: If it is refused, breaks, or says nothing for too long.
        """
        call = Call(
            method="GET",
            path="/api/v1/stream/applications",
            params=self._scope(STREAM_FIELDS),
            headers={
                "Accept": "text/event-stream",  # exactly this, or no event stream (section 4)
                "Accept-Encoding": "identity",
            },
            doing="following the applications",
            ends=self._monotonic() + seconds,
            patience=patience,
            limit=STREAM_LIMIT,
            expected="text/event-stream",
        )
        with self._transport.stream(call) as chunks:
            yield self._results(chunks)

    def _scope(self, fields: str) -> dict[str, str]:
        """Give the parameters for *fields* of everything that the instance is restricted to."""
        params = {
            "fields": fields,
            "projects": self._settings.project,
            "selector": self._settings.selector,
        }
        return {name: value for name, value in params.items() if value}

    def _results(self, chunks: Iterator[bytes]) -> Iterator[list[Any]]:
        for lines in _lines(chunks, self.name):
            results = []
            for line in lines:
                if not line.startswith(b"data:"):
                    continue  # a keep-alive comment, or the blank line after an event
                content = line.removeprefix(b"data:")
                message = decode(content, self.name)
                if not isinstance(message, dict):
                    raise errors.Malformed("the stream sent no object", instance=self.name)
                if "error" in message:
                    raise explain(Refusal(status=200, body=content), self.name)
                if "result" in message:
                    results.append(message["result"])
            yield results

    # --- actions ---

    def sync(self, key: AppKey, project: str, request: SyncRequest) -> Any:
        """
        Request a sync; Argo CD's JSON of the Application.

        Argo CD has only written the request down when it answers. It is never sent twice: after
        a time-out the application tells by ``request_id`` whether it came through.
        """
        answer = self._send(
            "POST",
            f"{_app_path(key)}/sync",
            body=request.body(key, project),
            doing=f"syncing {key.name}",
            right="applications, sync",
        )
        return decode(answer, self.name)

    def rollback(
        self, key: AppKey, project: str, number: int, *, prune: bool = False, dry_run: bool = False
    ) -> Any:
        """
        Request that deployment *number* is deployed again; Argo CD's JSON of the Application.

        Argo CD keeps no correlation id with it, skips hooks, and asks no sync window.
        """
        answer = self._send(
            "POST",
            f"{_app_path(key)}/rollback",
            # Without the id, 0 included, Argo CD fails (section 6.3).
            body={
                "id": number,
                "prune": prune,
                "dryRun": dry_run,
                "appNamespace": key.namespace,
                "project": project,
            },
            doing=f"rolling {key.name} back",
            right="applications, rollback",
        )
        return decode(answer, self.name)

    def terminate(self, key: AppKey, project: str) -> None:
        """Request the end of the running operation."""
        self._send(
            "DELETE",
            f"{_app_path(key)}/operation",
            params={"appNamespace": key.namespace, "project": project},
            doing=f"terminating the operation of {key.name}",
            right="applications, sync",
        )

    # --- one request ---

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        doing: str,
        right: str = "",
        timeout: float | None = None,
        limit: int = ANSWER_LIMIT,
        always: bool = False,
        anonymous: bool = False,
    ) -> bytes:
        call = Call(
            method=method,
            path=path,
            params=dict(params or {}),
            body=body,
            doing=doing,
            right=right,
            anonymous=anonymous,
            ends=self._monotonic() + (timeout or self._settings.timeouts.read),
            limit=limit,
        )
        return self._transport.send(call, always=always)


def _lines(chunks: Iterator[bytes], instance: str) -> Iterator[list[bytes]]:
    """Give the whole lines that have come with each chunk."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        if b"\n" not in chunk:
            if len(rest) > ANSWER_LIMIT:
                raise errors.Malformed("a line of the stream has no end", instance=instance)
            yield []
            continue
        *lines, left = rest.split(b"\n")
        rest = bytearray(left)
        yield [bytes(line) for line in lines]
    if rest.strip():
        yield [bytes(rest)]  # an error may come last, without an end of line


def _app_path(key: AppKey) -> str:
    return f"/api/v1/applications/{quote(key.name, safe='')}"
