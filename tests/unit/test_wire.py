"""Argo CD's answers become values: real ones, damaged ones, hostile ones."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantry_argocd import errors
from gantry_argocd.models import SourceKind
from gantry_argocd.refs import AppKey
from gantry_argocd.wire import (
    Reader,
    Reading,
    Refusal,
    disclose,
    explain,
    external_url,
    release_of,
    sync_window,
)
from recorded import RELEASES, exchanges, recorded

READING = Reading(instance="one")
READER = Reader()


def listing(*items: Any) -> Any:
    """Read a list of Applications."""
    return READER.listing(json.dumps({"items": list(items)}).encode(), READING)


def item(**spec: Any) -> dict[str, Any]:
    """Make an Application of a list."""
    return {"metadata": {"name": "pay", "namespace": "argocd"}, "spec": spec, "status": {}}


def test_every_application_of_a_real_server_can_be_read() -> None:
    """The list and each application of a real Argo CD come through without a problem."""
    answer = recorded("list/portable-admin")["response"]["body"]
    read = listing(*answer["items"])

    assert read.problems == ()
    assert len(read.apps) == len(answer["items"])
    by_key = {facts.key: facts for facts in read.apps}
    worker = by_key[AppKey("one", "argocd", "payment-worker")]
    assert worker.repo_url == "https://git.example.com/pay/values"
    unreachable = by_key[AppKey("one", "argocd", "unreachable-cluster")]
    assert (unreachable.sync, unreachable.health) == ("Unknown", "Healthy")
    assert unreachable.destination.name == "dead"
    assert AppKey("one", "team-a", "payment-api") in by_key


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_is_understood(release: str) -> None:
    """Each application that any recorded release answered can be read in full."""
    read = 0
    for exchange in exchanges(release):
        body = exchange["response"].get("body")
        if not isinstance(body, dict) or not {"metadata", "spec", "status"} <= body.keys():
            continue
        if "/applications/" in exchange["request"]["path"]:
            assert READER.application(body, READING).key.name
            read += 1

    assert read >= 20


def test_the_catalogues_facts_do_not_depend_on_who_spoke() -> None:
    """A list and a single answer about one application give the same facts."""
    full = recorded("list/full-admin")["response"]["body"]["items"]
    projected = recorded("list/portable-admin")["response"]["body"]["items"]

    assert set(listing(*full).apps) == set(listing(*projected).apps)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b'{"items":7}', b"{", b"[" * 9999])
def test_an_answer_that_is_no_list_is_a_failed_one(content: bytes) -> None:
    """What is no list is never taken for an empty one."""
    with pytest.raises(errors.Malformed):
        READER.listing(content, READING)


def test_an_empty_list_is_null() -> None:
    """Argo CD says null when there is nothing."""
    assert READER.listing(b'{"metadata":{},"items":null}', READING).apps == ()


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (7, "object expected"),
        ({}, "none that Kubernetes allows"),
        ({"metadata": {"name": "a:b"}}, "none that Kubernetes allows"),
        ({"metadata": {"name": 7}}, "str expected @ $.metadata.name"),
        (item(source="x"), "object expected"),
        (item(sources={"a": 1}), "array expected"),
        (item(sources=[{"repoURL": 1}]), "str expected"),
        (item(destination=[]), "object expected"),
    ],
)
def test_a_row_that_cannot_be_read_costs_only_itself(damaged: Any, words: str) -> None:
    """One bad application is named with its fault; the others go on."""
    read = listing(damaged, item())

    assert [facts.key.name for facts in read.apps] == ["pay"]
    (problem,) = read.problems
    assert words in problem


def test_an_application_with_nothing_but_a_name_is_an_application() -> None:
    """Missing spec, status and labels are no damage."""
    (facts,) = listing({"metadata": {"name": "pay", "labels": None}, "spec": None}).apps

    assert facts.key == AppKey("one", "argocd", "pay")
    assert (facts.sync, facts.health, facts.project) == ("Unknown", "Unknown", "default")
    assert facts.repo_url is None


@pytest.mark.parametrize(
    ("spec", "repo", "repo_url"),
    [
        (
            {"source": {"repoURL": "git@github.com:a/b.git"}},
            "git@github.com:a/b.git",
            "https://github.com/a/b",
        ),
        ({"source": {"repoURL": "https://charts.x", "chart": "c"}}, "https://charts.x", None),
        ({"source": {"repoURL": "oci://r/x", "path": "."}}, "oci://r/x", None),
        ({"source": {"repoURL": "https://u:canary@h/r.git"}}, "https://h/r.git", "https://h/r"),
        (
            {
                "source": {"repoURL": "https://ignored/x"},
                "sources": [
                    {"repoURL": "https://charts.x", "chart": "c"},
                    {"repoURL": "https://h/values.git", "ref": "values"},
                ],
            },
            "https://h/values.git",
            "https://h/values",
        ),
        (
            {
                "source": {"repoURL": "https://ignored/x"},
                "sourceHydrator": {
                    "drySource": {"repoURL": "https://h/dry.git", "path": "p"},
                    "syncSource": {"targetBranch": "env/prod", "path": "p"},
                },
            },
            "https://h/dry.git",
            "https://h/dry",
        ),
        ({}, "", None),
    ],
)
def test_the_repository_is_the_first_git_source_that_is_no_chart(
    spec: dict[str, Any], repo: str, repo_url: str | None
) -> None:
    """defect-G5: Multi-source, chart, OCI and hydrated applications have the right repository."""
    (facts,) = listing(item(**spec)).apps

    assert (facts.repo, facts.repo_url) == (repo, repo_url)


def test_what_the_panel_promises_comes_out_of_a_real_application() -> None:
    """Status, sources, resources, history and links of a real application are all there."""
    body = recorded("app/payment-api-prod")["response"]["body"]
    app = READER.application(body, READING)

    assert app.facts.sync == body["status"]["sync"]["status"]
    assert app.revisions == (body["status"]["sync"]["revision"],)
    assert app.last_sync_at is not None
    assert len(app.resources) == len(body["status"]["resources"])
    assert [entry.id for entry in app.history] == [h["id"] for h in body["status"]["history"]]
    assert app.images == tuple(body["status"]["summary"]["images"])
    assert app.operation is not None
    assert app.operation.phase == "Succeeded"
    assert app.uid == body["metadata"]["uid"]


def test_a_detail_that_cannot_be_read_costs_only_itself() -> None:
    """One strange row of history, resources or conditions does not hide the application."""
    body = item(source={"repoURL": "https://h/r"}) | {
        "status": {
            "history": [{"id": "x"}, {"id": 1}],
            "resources": ["x", {"kind": "Service", "name": "a"}],
            "conditions": [{"type": "SyncError", "message": "m", "lastTransitionTime": "soon"}],
            "operationState": {"phase": "Running", "startedAt": "x"},
        }
    }
    app = READER.application(body, READING)

    assert [entry.id for entry in app.history] == [1]
    assert [resource.name for resource in app.resources] == ["a"]
    assert [(c.type, c.since) for c in app.conditions] == [("SyncError", None)]


def test_several_sources_are_kept_in_order() -> None:
    """A multi-source application shows each source with its revision."""
    app = READER.application(recorded("app/payment-worker")["response"]["body"], READING)

    assert [source.kind for source in app.sources] == [SourceKind.HELM, SourceKind.GIT]
    assert len(app.revisions) == 2
    assert len(app.history[-1].sources) == 2


def test_hooks_are_neither_out_of_sync_nor_to_be_pruned() -> None:
    """A live hook says that it requires pruning, and means nothing by it."""
    app = READER.application(recorded("app/payments-migrate")["response"]["body"], READING)
    hooks = [resource for resource in app.resources if resource.hook]

    assert hooks
    assert not any(resource.prune for resource in hooks)


def test_a_requested_operation_is_queued_and_an_earlier_one_is_not_it() -> None:
    """Between the request and its begin, the operation is ours and not the last one."""
    state = {"phase": "Succeeded", "operation": {"info": []}}
    body = item() | {
        "status": {"operationState": state},
        "operation": {
            "sync": {},
            "initiatedBy": {"username": "admin"},
            "info": [
                {"name": "gantry-request", "value": "r1"},
                {"name": "gantry-user", "value": "dora"},
            ],
        },
    }
    app = READER.application(body, READING)

    assert app.operation is not None
    assert (app.operation.phase, app.operation.request_id) == ("Queued", "r1")
    assert app.operation.running
    assert app.operation.initiator == "dora"


@pytest.mark.parametrize(
    ("compared", "operation", "phase"),
    [
        ("2026-05-01T12:30:00Z", None, "Abandoned"),
        ("2026-05-01T12:30:00Z", {"sync": {}}, "Running"),
        ("2026-05-01T12:05:00Z", None, "Running"),
        (None, None, "Running"),
    ],
)
def test_an_operation_that_was_taken_away_blocks_nothing(
    compared: str | None, operation: Any, phase: str
) -> None:
    """People take away what hangs; its record says Running for ever, and a sync is possible."""
    state = {"phase": "Running", "startedAt": "2026-05-01T12:00:00Z", "message": "waiting"}
    body = item() | {"status": {"operationState": state, "reconciledAt": compared}}
    app = READER.application(body | ({"operation": operation} if operation else {}), READING)

    assert app.operation is not None
    assert app.operation.phase == phase
    assert app.operation.running is (phase == "Running")
    assert app.operation.message == "waiting"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("Run book|https://a.example", "https://a.example"),
        ("javascript:alert(1)", None),
        ("Click|javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://user:pw@a.example", None),
        ("//a.example", None),
        ("https://", None),
        ('https://a.example/"onclick="x', None),
        ("https://a.example:99999", None),
        ("a|b|https://x", None),
    ],
)
def test_only_safe_external_links_are_links(text: str, url: str | None) -> None:
    """A tenant's link is followed only when it is http(s), with a host and without user info."""
    link = external_url(text)

    assert (link.url if link else None) == url


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            401,
            '{"error":"x","code":16,"message":"token is expired"}',
            errors.Unauthenticated,
            "expired",
        ),
        (
            401,
            '{"error":"x","code":16,"message":"no session information"}',
            errors.Unauthenticated,
            "",
        ),
        (401, '{"error":{"grpc_code":16,"message":"no"}}', errors.Unauthenticated, ""),
        (403, '{"code":7,"message":"permission denied"}', errors.Forbidden, "applications, sync"),
        (403, '{"code":7,"message":"permission denied"}', errors.Forbidden, "missing or cannot be"),
        (
            403,
            '{"code":7,"message":"permission denied: applications, override, p/x, sub: canary"}',
            errors.Forbidden,
            "lacks applications, override",
        ),
        (
            403,
            '{"code":7,"message":"cannot sync: invalid sync window: canary"}',
            errors.Blocked,
            "not valid",
        ),
        (
            403,
            '{"code":7,"message":"permission denied: applications, sync, p/x, sub: canary"}',
            errors.Forbidden,
            "applications, sync",
        ),
        (
            403,
            '{"code":7,"message":"cannot sync: blocked by sync window"}',
            errors.Blocked,
            "window",
        ),
        (404, '{"code":5,"message":"not found"}', errors.NotFound, ""),
        (
            400,
            '{"code":9,"message":"another operation is already in progress"}',
            errors.OperationRunning,
            "",
        ),
        (
            400,
            '{"code":9,"message":"Cannot sync to x: auto-sync currently set to y"}',
            errors.Conflict,
            "turn auto-sync off",
        ),
        (400, '{"code":9,"message":"application is deleting"}', errors.Conflict, "deleted"),
        (
            400,
            '{"code":3,"message":"Unable to terminate operation. No operation is in progress"}',
            errors.Conflict,
            "",
        ),
        (
            400,
            '{"code":9,"message":"error resolving: https://u:canary@h/x"}',
            errors.Rejected,
            "error resolving",
        ),
        (
            400,
            '{"code":9,"message":"error resolving: rpc error: code = Unavailable desc = canary"}',
            errors.Conflict,
            "repo-server does not answer",
        ),
        (
            400,
            '{"code":9,"message":"cannot rollback to revision deployed with Argo CD v0.11 or x"}',
            errors.Conflict,
            "2.12 and later can",
        ),
        (
            429,
            '{"code":8,"message":"grpc: received message larger than max (5 vs 4)"}',
            errors.TooLarge,
            "larger",
        ),
        (504, '{"code":4,"message":"context deadline exceeded"}', errors.TimedOut, ""),
        (503, '{"code":14,"message":"dial tcp"}', errors.Unavailable, ""),
        (500, '{"code":2,"message":"boom https://u:canary@h"}', errors.ServerFailed, "boom"),
        (500, '{"error":"failed to marshal error message"}', errors.ServerFailed, "500"),
        (401, "<html>canary</html>", errors.NotArgoCD, "401"),
        (404, "404 page not found", errors.NotArgoCD, "no Argo CD API"),
        (415, "Invalid content type", errors.Rejected, ""),
        (502, "<html>", errors.Unavailable, "502"),
        (504, "<html>", errors.TimedOut, ""),
        (429, "slow down", errors.Busy, ""),
        (418, "[" * 5000, errors.NotArgoCD, ""),
        (200, '{"error":null}', errors.ServerFailed, "Argo CD failed"),
    ],
)
def test_a_refusal_becomes_the_right_error(
    status: int, body: str, kind: type[errors.ArgoCDError], words: str
) -> None:
    """defect-G12: Each refusal of Argo CD has its own error, and its text leaks nothing."""
    refusal = Refusal(
        status=status,
        content_type="text/html" if body.startswith("<") else "application/json",
        body=body.encode(),
        doing="syncing pay",
        right="applications, sync",
    )
    error = explain(refusal, "one")

    assert type(error) is kind
    assert words in str(error)
    assert "canary" not in str(error.as_json())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("app/token-expired", "has expired"),
        ("app/token-deleted", "was deleted in Argo CD"),
        ("app/token-ci-deleted", "was deleted in Argo CD's project"),
        ("app/token-tampered", "made by another server"),
        ("app/token-garbage", "sees no token"),
        ("app/token-foreign", "not accepted"),
        ("session/login-disabled-account", "account is disabled"),
        ("session/login-no-login-capability", "lacks the capability"),
        ("session/login-bad-password", "not accepted"),
    ],
)
def test_what_is_wrong_with_credentials_is_told(name: str, words: str) -> None:
    """Whoever has to make a new token hears what became of the old one."""
    body = json.dumps(recorded(name)["response"]["body"]).encode()

    error = explain(Refusal(status=401, body=body), "one")

    assert type(error) is errors.Unauthenticated
    assert words in str(error)


@pytest.mark.parametrize("release", RELEASES)
def test_a_refused_stream_is_understood_in_every_release(release: str) -> None:
    """What a real server says instead of a stream is told as what it is, whatever its framing."""
    found = set()
    for exchange in exchanges(release):
        name, response = exchange.get("name", ""), exchange["response"]
        if not name.startswith("error-") or "without-error" in name or not response["status"]:
            continue
        body = "".join(chunk["raw"] for chunk in response["chunks"]).encode()
        content_type = response["headers"]["content-type"]
        refusal = Refusal(status=response["status"], content_type=content_type, body=body)
        found.add((response["status"], type(explain(refusal, "one"))))

    assert (401, errors.Unauthenticated) in found
    assert found <= {
        (401, errors.Unauthenticated),
        (403, errors.Forbidden),
        (500, errors.ServerFailed),
    }


def test_a_refused_rollback_names_the_right_of_3_6() -> None:
    """Where Argo CD wants a right of its own for rollbacks, the refusal says so."""
    exchange = recorded("actions/rollback-enforced", "recorded-3.6-dev")
    body = json.dumps(exchange["response"]["body"]).encode()

    error = explain(Refusal(status=403, body=body, right="applications, rollback"), "one")

    assert type(error) is errors.Forbidden
    assert "from 3.6 on applications, rollback" in str(error)


@pytest.mark.parametrize(
    ("active", "assigned", "named"),
    [
        (
            [("deny", "0 1 * * *", False), ("deny", "0 2 * * *", True)],
            [],
            "closed from “0 1 * * *”",
        ),
        (
            [],
            [("allow", "0 3 * * *", False), ("allow", "0 4 * * *", True)],
            "open from “0 3 * * *”",
        ),
        ([], [], "forbids syncing now"),
    ],
)
def test_the_window_that_forbids_a_sync_is_named(
    active: list[tuple[str, str, bool]], assigned: list[tuple[str, str, bool]], named: str
) -> None:
    """A window that lets manual syncs through is not blamed for one that is not possible."""

    def windows(given: list[tuple[str, str, bool]]) -> list[dict[str, Any]]:
        names = ("kind", "schedule", "manualSync")
        return [dict(zip(names, one, strict=True), duration="1h") for one in given]

    said = sync_window(
        {
            "activeWindows": windows(active),
            "assignedWindows": windows(active + assigned),
            "canSync": False,
        }
    )

    assert named in said
    assert ";" not in said


def test_a_redirect_is_a_sign_in_page() -> None:
    """A redirect is not followed; its host is told, and what to do."""
    error = explain(Refusal(status=302, location="https://sso.example/login?x=canary"), "one")

    assert isinstance(error, errors.NotArgoCD)
    assert "sso.example" in str(error)
    assert "canary" not in str(error)


def test_secrets_of_an_application_are_shown_to_nobody_who_need_not_see_them() -> None:
    """Helm values, parameters, plugin environment and applied configuration are left out."""
    secret = {
        "helm": {
            "values": "canary",
            "valuesObject": {"a": "canary"},
            "parameters": ["canary"],
            "releaseName": "r",
        },
        "plugin": {"env": [{"value": "canary"}], "parameters": ["canary"], "name": "n"},
        "repoURL": "https://x:hidden@h/r",
    }
    body: dict[str, Any] = {
        "operation": {"sync": {"manifests": ["kind: Secret canary"], "prune": True}},
        "metadata": {
            "managedFields": ["canary"],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary", "a": "b"},
        },
        "spec": {"source": secret},
        "status": {"history": [{"sources": [secret]}], "sync": {"comparedTo": {"source": secret}}},
    }

    shown = disclose(body, everything=False)
    assert "canary" not in json.dumps(shown)
    assert shown["spec"]["source"]["helm"] == {"releaseName": "r"}
    assert shown["metadata"]["annotations"] == {"a": "b"}
    everything = json.dumps(disclose(body, everything=True))
    assert "canary" in everything
    assert "hidden" not in everything


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
SHAPES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": JSON | st.fixed_dictionaries({"name": st.just("pay")}),
        "spec": JSON,
        "status": JSON,
        "operation": JSON,
    },
)


@given(SHAPES)
def test_no_answer_makes_the_reader_fail(body: Any) -> None:
    """Whatever stands in an application, it is read or named."""
    listing(body)
    with suppress(errors.Malformed):
        READER.application(body, READING)


@pytest.mark.parametrize("text", ["x" * 3000, "a\0b", "a\nb", "\x1b[31mred", "a\u202eb"])
@pytest.mark.parametrize(
    "path",
    [
        "spec.project",
        "spec.destination.server",
        "spec.destination.name",
        "spec.destination.namespace",
        "status.sync.status",
        "status.health.status",
        "metadata.labels",
    ],
)
def test_a_text_that_no_catalogue_can_hold_costs_one_row(path: str, text: str) -> None:
    """A tenant's NUL or megabyte does not reach the pages and the database of everybody."""
    bad = item()
    *way, last = path.split(".")
    place = bad
    for name in way:
        place = place.setdefault(name, {})
    place[last] = {"name": text} if last == "labels" else text
    read = listing(bad, item())

    assert len(read.apps) == 1
    (problem,) = read.problems
    assert f"$.{path}" in problem
    assert text not in problem


def test_a_fault_is_named_as_argo_cd_spells_it() -> None:
    """Whoever looks into the Application finds the field under the name that is told."""
    (problem,) = listing(item(sourceHydrator=5)).problems

    assert "$.spec.sourceHydrator" in problem
    assert "source_hydrator" not in problem


class Rows:
    """
    Makes rows of a list.

    Args:
        damaged: Some of what they hold is of a wrong kind.
    """

    def __init__(self, *, damaged: bool) -> None:
        self._wrong = [st.just(5), st.just(["x"]), st.just({}), st.just("x")] if damaged else []

    def texts(self, *more: str) -> st.SearchStrategy[Any]:
        """Values where a text belongs."""
        words = st.sampled_from(["", "prod", "Synced", "é", "a\u202eb", *more])
        return st.one_of(words, words, words, st.none(), *self._wrong[:3])

    def objects(self, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        """Objects with some of the *parts*, and with what nobody asked for."""
        more = {"more": st.just([{"deep": [1.5, None]}])}
        found = st.fixed_dictionaries({}, optional={**parts, **more})
        return st.one_of(found, found, found, st.none(), *self._wrong[1:2], *self._wrong[3:])

    def lists(self, of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        """Lists of something."""
        return st.one_of(st.lists(of, max_size=3), st.none(), *self._wrong)

    def sources(self) -> st.SearchStrategy[Any]:
        """Sources of an application."""
        addresses = ("https://u:p@github.com/a/b.git?x=1", "git@h:a/b.git", "oci://r/x", "a b")
        names = ("path", "chart", "targetRevision", "ref", "name")
        return self.objects(
            repoURL=self.texts(*addresses), **{name: self.texts() for name in names}
        )

    def rows(self) -> st.SearchStrategy[Any]:
        """Applications, as far as the catalogue needs them."""
        texts = self.texts
        label = st.fixed_dictionaries({"name": st.one_of(texts("shop"), st.just(5))})
        metadata = self.objects(
            name=texts("pay", "pay", "shop", "No Name"),
            namespace=texts("argocd"),
            uid=texts(),
            resourceVersion=texts(),
            labels=st.one_of(label, self.objects()),
            annotations=st.one_of(self.objects(), st.just({"gantry.io/ignore": "true"})),
            creationTimestamp=texts("2026-01-01T00:00:00Z"),
        )
        sync_source = self.objects(repoURL=texts(), targetBranch=texts(), path=texts())
        spec = self.objects(
            project=texts(),
            destination=self.objects(server=texts("https://k"), name=texts(), namespace=texts()),
            source=self.sources(),
            sources=self.lists(self.sources()),
            sourceHydrator=self.objects(drySource=self.sources(), syncSource=sync_source),
        )
        status = self.objects(
            sync=self.objects(status=texts(), revision=texts(), revisions=self.lists(texts())),
            health=self.objects(status=texts(), message=texts(), lastTransitionTime=texts()),
        )
        known = st.fixed_dictionaries({"name": st.sampled_from(["pay", "shop"])})
        named = st.fixed_dictionaries(
            {"metadata": st.builds(lambda more, name: {**(more or {}), **name}, metadata, known)}
            if not self._wrong
            else {"metadata": metadata},
            optional={"spec": spec, "status": status},
        )
        return st.one_of(named, named, self.objects(metadata=metadata, spec=spec, status=status))


@given(
    items=st.one_of(
        st.lists(Rows(damaged=False).rows(), max_size=4),
        st.lists(Rows(damaged=True).rows(), max_size=2),
    )
)
def test_the_quick_way_reads_a_list_as_the_thorough_way_does(items: list[Any]) -> None:
    """However a list is decoded, the same applications and the same complaints come out."""
    content = json.dumps({"metadata": {}, "items": items}).encode()

    quick = READER.listing(content, READING)

    assert quick == READER.rows(items, READING)


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("v2.8.0", (2, 8)),
        ("v3.4.5+abc1234", (3, 4)),
        ("2.10.3-vendor.1", (2, 10)),
        ("v2.11.0-rc1", (2, 11)),
        ("latest", None),
        ("", None),
        ("v3", None),
        ("v\u0663.\u0664", None),
    ],
)
def test_a_release_is_read_from_whatever_says_a_version(
    version: str, release: tuple[int, int] | None
) -> None:
    """Vendors' versions are understood, and what is none is not taken for one."""
    assert release_of(version) == release
