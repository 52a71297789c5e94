"""Rows of the original Go plugin are taken over once (rule 20)."""

from __future__ import annotations

from typing import Any

from world import START, app, service

from gantry_argocd.correlation import Adoption, Answer, InstanceInfo, Outcome, correlate


def original(name: str, **spec: Any) -> dict[str, Any]:
    """Make a row as the original plugin wrote it."""
    return service(
        name,
        title=name,
        description=f'ArgoCD Application "{name}" — https://github.com/acme/{name}.',
        tags=["mine", "argocd"],
        createdBy="argocd-plugin",
        annotations={
            "argocd.io/appNames": f"one:{name}",
            "argocd.io/syncStatus": "Synced",
            "argocd.io/healthStatus": "Healthy",
            "argocd.io/healthMessage": "old",
            "argocd.io/repoURL": f"https://github.com/acme/{name}",
            "argocd.io/destNamespace": "prod",
        },
        spec={
            "type": "backend",
            "repoUrl": f"https://github.com/acme/{name}",
            "deployedIn": [{"kind": "Environment", "name": "prod"}],
        }
        | spec,
    )


def run(rows: list[dict[str, Any]], adoption: Adoption, *apps: str) -> dict[str, Any]:
    """Correlate with one instance; give the changed rows by name."""
    answer = Answer(
        source=InstanceInfo(name="one", origin="https://one"),
        outcome=Outcome.COMPLETE,
        apps=tuple(app(ref) for ref in apps),
        began_at=START,
    )
    result = correlate(rows, [answer], adoption=adoption)
    return {change["name"]: change["entity"] for change in result.changes}


def test_a_row_with_its_app_becomes_ours_and_goes_with_it() -> None:
    """What the original plugin wrote is ours from then on; a person's tag stays."""
    row = original("pay")
    adopted = run([row], Adoption.UNDER_WAY, "one:pay")["pay"]

    metadata = adopted["metadata"]
    assert metadata["annotations"]["argocd.io/appName"] == "pay"
    assert "argocd.io/healthMessage" not in metadata["annotations"]
    assert "description" not in metadata
    assert "title" not in metadata
    assert metadata["tags"] == ["mine"]
    gone = run([adopted], Adoption.OVER)["pay"]
    assert gone == service("pay", tags=["mine"], createdBy="argocd-plugin")


def test_values_of_people_in_such_a_row_are_theirs() -> None:
    """A changed type and another repository belong to whoever wrote them."""
    row = original("pay", type="worker", owner="x")
    adopted = run([row], Adoption.UNDER_WAY, "one:pay")["pay"]

    assert adopted["spec"]["type"] == "worker"
    assert run([adopted], Adoption.OVER)["pay"]["spec"] == {"type": "worker", "owner": "x"}


def test_a_row_without_an_app_waits_for_every_instance() -> None:
    """Until every instance has answered such a row stays as it is; then it loses our part."""
    row = original("gone")

    assert run([row], Adoption.UNDER_WAY) == {}
    left = run([row], Adoption.COMPLETE)["gone"]
    assert left == service("gone", tags=["mine"], createdBy="argocd-plugin")


def test_a_row_that_was_the_original_plugins_alone_is_removed() -> None:
    """A row that nobody else added to goes, when its app is gone."""
    row = original("gone")
    row["metadata"]["tags"] = ["argocd"]

    assert run([row], Adoption.COMPLETE) == {"gone": None}


def test_its_old_refs_are_no_links() -> None:
    """The original plugin's lists claim nothing: naming decides."""
    row = original("pay")
    row["metadata"]["annotations"]["argocd.io/appNames"] = "one:web"
    changed = run([row], Adoption.UNDER_WAY, "one:pay", "one:web")

    assert set(changed) == {"pay", "web"}
    assert changed["pay"]["metadata"]["annotations"]["argocd.io/appNames"] == "one:pay"


def test_later_rows_are_rows_like_any_other() -> None:
    """After the first time, such a row counts as somebody's, with its links."""
    row = original("legacy")
    row["metadata"]["annotations"]["argocd.io/appNames"] = "one:pay"
    changed = run([row], Adoption.OVER, "one:pay")

    assert set(changed) == {"legacy"}
    assert changed["legacy"]["metadata"]["title"] == "legacy"
