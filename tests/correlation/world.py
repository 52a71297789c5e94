"""
A world to try the correlation rules in: a catalogue, instances, neighbours and people.

It does what a host does (``hookspecs.receive_write``, then ``correlate``, in one go) without a
database, so that rules and laws are tried on the functions themselves.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from gantry_argocd.correlation import (
    Answer,
    HeldBack,
    InstanceInfo,
    Outcome,
    Record,
    Result,
    Standing,
    correlate,
    entity_key,
    receive,
    split,
)
from gantry_argocd.correlation.provenance import decode
from gantry_argocd.hookspecs import Change
from gantry_argocd.models import Destination, Facts
from gantry_argocd.refs import AppKey, EntityKey

START = datetime(2026, 1, 1, tzinfo=UTC)


def app(
    ref: str,
    *,
    label: str = "",
    sync: str = "Synced",
    health: str = "Healthy",
    repo: str = "https://github.com/acme/{name}",
    to: str = "prod",
    ignored: bool = False,
) -> Facts:
    """Make an app from ``instance:name`` or ``instance:namespace/name``."""
    instance, _, rest = ref.partition(":")
    namespace, _, name = rest.rpartition("/")
    repo = repo.format(name=name)
    return Facts(
        key=AppKey(instance, namespace or "argocd", name),
        label=label,
        sync=sync,
        health=health,
        repo=repo,
        repo_url=repo if repo.startswith("https://github") else None,
        destination=Destination(server="https://kubernetes.default.svc", namespace=to),
        ignored=ignored,
    )


def service(
    name: str,
    *,
    namespace: str | None = None,
    annotations: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    kind: str = "Service",
    **metadata: Any,
) -> dict[str, Any]:
    """Make an entity as people and neighbours write it."""
    data: dict[str, Any] = {"name": name} | metadata
    if namespace:
        data["namespace"] = namespace
    if annotations is not None:
        data["annotations"] = annotations
    entity: dict[str, Any] = {"apiVersion": "gantry.io/v1", "kind": kind, "metadata": data}
    if spec is not None:
        entity["spec"] = spec
    return entity


def kubernetes(name: str, namespace: str = "prod") -> dict[str, Any]:
    """Make a Service as the Kubernetes neighbour writes it from a Deployment."""
    return service(
        name,
        annotations={"kubernetes.io/kind": "Deployment", "kubernetes.io/uid": f"uid-{name}"},
        spec={"type": "worker", "deployedIn": [{"kind": "Environment", "name": namespace}]},
    )


def told(change: Change) -> dict[str, Any]:
    """Give a change with its provenance read: in its text the times of reading may differ."""
    entity = copy.deepcopy(dict(change["entity"])) if change["entity"] is not None else None
    if entity is None or not isinstance(entity["metadata"].get("annotations"), dict):
        return dict(change)
    provenance = entity["metadata"]["annotations"].pop("argocd.io/provenance", None)
    return dict(change) | {"entity": entity, "provenance": decode(provenance)}


class World:
    """A catalogue with everybody who writes to it."""

    def __init__(self, *apps: Facts, instances: tuple[str, ...] = ("one", "two")) -> None:
        self.rows: dict[EntityKey, dict[str, Any]] = {}
        self.now = START
        self.instances = {
            name: InstanceInfo(name=name, origin=f"https://{name}") for name in instances
        }
        self.apps: dict[AppKey, Facts] = {}
        self.memory: dict[AppKey, Record] = {}
        self.held: dict[str, HeldBack] = {}
        self.last: Result | None = None
        self.standing: Standing | None = None
        self.seen: dict[EntityKey, dict[str, Any]] = {}
        self.written = 0
        self.down: set[str] = set()
        if apps:
            self.set(*apps)
            self.sync()

    # --- Argo CD ---------------------------------------------------------------------------

    def set(self, *apps: Facts) -> None:
        """Create apps, or change them."""
        self.apps |= {facts.key: facts for facts in apps}

    def remove(self, *refs: str) -> None:
        """Delete apps."""
        for ref in refs:
            del self.apps[app(ref).key]

    def only(self, *apps: Facts) -> None:
        """Let these be all apps."""
        self.apps = {}
        self.set(*apps)

    def sync(
        self,
        *,
        outcomes: dict[str, Outcome] | None = None,
        confirm: tuple[str, ...] = (),
        after: timedelta = timedelta(minutes=2),
    ) -> Result:
        """Discover everything; an instance that is down fails."""
        self.now += after
        answers = []
        for name, source in self.instances.items():
            outcome = (outcomes or {}).get(name, Outcome.COMPLETE)
            if name in self.down:
                outcome = Outcome.FAILED
            answered = () if outcome in {Outcome.FAILED, Outcome.SILENT} else self._apps_of(name)
            answers.append(
                Answer(
                    source=source,
                    outcome=outcome,
                    apps=answered,
                    began_at=self.now,
                    confirmed=name in confirm,
                )
            )
        return self._correlate(answers)

    def _apps_of(self, instance: str) -> tuple[Facts, ...]:
        return tuple(facts for key, facts in self.apps.items() if key.instance == instance)

    def event(self, facts: Facts, *, deleted: bool = False) -> Result:
        """Let a stream tell of one app."""
        self.now += timedelta(seconds=1)
        answers = [
            Answer(
                source=source,
                outcome=Outcome.PARTIAL,
                apps=() if deleted else (facts,),
                deleted=frozenset({facts.key} if deleted else ()),
                began_at=self.now,
                by_sync=False,
            )
            if name == facts.key.instance
            else Answer(source=source)
            for name, source in self.instances.items()
        ]
        return self._correlate(answers)

    def hear(self, *answers: Answer, after: timedelta = timedelta(minutes=2)) -> Result:
        """Let some instances answer at once; the others say nothing."""
        self.now += after
        said = {answer.source.name: answer for answer in answers}
        return self._correlate(
            [
                attrs.evolve(said[name], source=source, began_at=self.now)
                if name in said
                else Answer(source=source)
                for name, source in self.instances.items()
            ]
        )

    def quiet(self) -> Result:
        """Correlate what is known; no instance says anything."""
        return self._correlate([Answer(source=source) for source in self.instances.values()])

    def restart(self) -> None:
        """Forget everything but the catalogue."""
        self.memory = {}
        self.held = {}
        self.standing = None

    def rename_instance(self, old: str, new: str) -> None:
        """Give a configured instance another name; its server is the same."""
        source = self.instances.pop(old)
        self.instances[new] = attrs.evolve(source, name=new)
        self.apps = {
            (moved := key._replace(instance=new) if key.instance == old else key): attrs.evolve(
                facts, key=moved
            )
            for key, facts in self.apps.items()
        }

    # --- others ----------------------------------------------------------------------------

    def post(self, entity: dict[str, Any]) -> None:
        """Let a person create an entity."""
        self._write(entity, None, "create")

    def put(self, entity: dict[str, Any]) -> None:
        """Let a person replace an entity."""
        self._write(entity, self._stored(entity), "replace")

    def upsert(self, entity: dict[str, Any]) -> None:
        """Let a neighbour plugin merge its part into an entity."""
        self._write(entity, self._stored(entity), "upsert")

    def take_back(self, left: str | dict[str, Any]) -> None:
        """Let a neighbour plugin leave only this of what is foreign; nothing for a mere name."""
        body = service(left) if isinstance(left, str) else left
        self._write(body, self._stored(body), "take-back")

    def delete(self, name: str, namespace: str = "default") -> None:
        """Let a person delete an entity."""
        key = EntityKey("Service", namespace, name)
        row = receive(self.rows.pop(key), None, "delete")
        if row is not None:
            self.rows[key] = copy.deepcopy(dict(row))
        self.quiet()

    def edit(self, name: str, namespace: str = "default") -> dict[str, Any]:
        """Read an entity to change it and to PUT it back."""
        return copy.deepcopy(self.rows[EntityKey("Service", namespace, name)])

    def _stored(self, entity: dict[str, Any]) -> dict[str, Any] | None:
        key = entity_key(entity)
        return self.rows.get(key) if key else None

    def _write(self, body: dict[str, Any], stored: dict[str, Any] | None, mode: Any) -> None:
        row = receive(copy.deepcopy(stored), copy.deepcopy(body), mode)
        key = entity_key(body)
        assert key is not None
        self.rows.pop(key, None)
        if row is not None:
            self.rows[key] = copy.deepcopy(dict(row))
        self.quiet()

    # --- correlation -----------------------------------------------------------------------

    def _correlate(self, answers: list[Answer]) -> Result:
        before = copy.deepcopy(self.rows)
        result = correlate(self.rows.values(), answers, memory=self.memory.values(), held=self.held)
        assert self.rows == before, "correlate must not change its arguments"
        self._same_bit_by_bit(before, answers, result)
        for change in result.changes:
            key = EntityKey(change["kind"], change["namespace"], change["name"])
            if change["entity"] is None:
                del self.rows[key]
            else:
                self.rows[key] = copy.deepcopy(dict(change["entity"]))
        self.written = len(result.changes)
        self.memory, self.held, self.last = dict(result.known), dict(result.held), result
        again = correlate(
            self.rows.values(),
            [Answer(source=answer.source) for answer in answers],
            memory=self.memory.values(),
            held=self.held,
        )
        assert again.changes == (), "applying the changes must give no more changes"
        return result

    def _same_bit_by_bit(
        self, rows: dict[EntityKey, dict[str, Any]], answers: list[Answer], whole: Result
    ) -> None:
        """Correlate only what has changed as well: it must come to the same (rule 18)."""
        services = {key: row for key, row in rows.items() if key.kind == "Service"}
        changed = {
            key: services.get(key)
            for key in services.keys() | self.seen.keys()
            if services.get(key) != self.seen.get(key)
        }
        part = self.standing.propose(changed, answers) if self.standing is not None else None
        self.seen = services
        if self.standing is None or part is None:
            self.standing = Standing(whole, [answer.source for answer in answers])
            return
        assert [told(change) for change in part.changes] == [told(c) for c in whole.changes]
        assert part.retired == whole.retired
        self.standing.take(part)
        assert self.standing.held == whole.held
        assert self.standing.placements == whole.placements
        assert self.standing.records == whole.known
        assert sorted(self.standing.problems) == sorted(problem.text for problem in whole.lasting)

    # --- looking ---------------------------------------------------------------------------

    @property
    def names(self) -> set[str]:
        """Names of all entities; with the namespace where it is not ``default``."""
        return {
            key.name if key.namespace == "default" else f"{key.namespace}/{key.name}"
            for key in self.rows
        }

    def annotation(self, name: str, short: str, namespace: str = "default") -> Any:
        """Give an ``argocd.io/`` annotation."""
        row = self.rows[EntityKey("Service", namespace, name)]
        annotations = row["metadata"].get("annotations", {})
        return annotations.get(f"argocd.io/{short}") if isinstance(annotations, dict) else None

    def apps_in(self, name: str, namespace: str = "default") -> set[str]:
        """Give the refs of the apps that are placed in an entity."""
        text = self.annotation(name, "apps", namespace) or ""
        return {element.partition("=")[0] for element in text.split(",") if element}

    def placements(self) -> dict[str, str]:
        """Give the entity of every app, by ref."""
        found: dict[str, str] = {}
        for key in self.rows:
            if key.kind != "Service":
                continue
            for ref in self.apps_in(key.name, key.namespace):
                assert ref not in found, f"{ref} is in two entities"
                found[ref] = (
                    key.name if key.namespace == "default" else f"{key.namespace}/{key.name}"
                )
        return found

    def bare(self, name: str, namespace: str = "default") -> dict[str, Any]:
        """Give an entity without the provenance, as people look at it."""
        row = self.edit(name, namespace)
        row["metadata"].get("annotations", {}).pop("argocd.io/provenance", None)
        return row

    def spec(self, name: str) -> dict[str, Any]:
        """Give the spec of an entity."""
        return self.rows[EntityKey("Service", "default", name)].get("spec", {})

    def environments(self, name: str) -> list[str]:
        """Give the names that ``deployedIn`` holds."""
        return [ref["name"] for ref in self.spec(name).get("deployedIn", [])]

    def foreign(self, name: str) -> Any:
        """Give what of an entity is not ours."""
        key = EntityKey("Service", "default", name)
        return split(self.rows[key], key).entity

    @property
    def problems(self) -> tuple[str, ...]:
        """What the last correlation reported."""
        assert self.last is not None
        return self.last.problems
