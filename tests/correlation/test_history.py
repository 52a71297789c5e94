"""
History independence (requirement C5): only the present counts.

A machine lets apps, instances, neighbours and people do what they like, in any order, and after
every step the catalogue is what one first discovery of the present would make of it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import strategies as s
from comparing import catalogue, foreign_part, fresh
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from people import Edit, People, bare, edits, empty
from world import World

from gantry_argocd.correlation import Answer, InstanceInfo, Outcome, split
from gantry_argocd.models import Facts
from gantry_argocd.refs import AppKey, EntityKey

SECOND = timedelta(seconds=1)


class Argo:
    """
    What the Argo CD servers have, and what of it has to be believed (rules 8, 15 to 17).

    Servers are told apart by their origin; how they are called is configuration.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.apps: dict[tuple[str, str, str], Facts] = {}
        self.believed: dict[AppKey, Facts] = {}
        self.held: dict[str, tuple[datetime, set[AppKey]]] = {}
        self.removed: dict[str, InstanceInfo] = {}

    def put(self, facts: Facts) -> None:
        """Create an app or change it; nobody is told."""
        self.apps[_place(facts.key)] = facts

    def name_of(self, origin: str) -> str | None:
        """Give the name under which a server is configured."""
        return next((i.name for i in self.world.instances.values() if i.origin == origin), None)

    def of(self, name: str) -> list[Facts]:
        """Give the apps of a configured instance."""
        origin = self.world.instances[name].origin
        return [
            attrs.evolve(facts, key=called(facts.key, name))
            for (where, _, _), facts in sorted(self.apps.items(), key=lambda item: item[0])
            if where == origin
        ]

    def learn(self, apps: list[Facts]) -> None:
        """Believe what was said of some apps."""
        for facts in apps:
            if facts.ignored:
                self.delete(facts.key)
            else:
                self.believed[facts.key] = facts

    def replace(self, name: str, apps: list[Facts], *, by_sync: bool, confirmed: bool) -> None:
        """Believe a complete answer, unless too much is missing in it (rule 16)."""
        known = {key for key in self.believed if key.instance == name}
        said = {facts.key for facts in apps}
        missing = known - said
        if len(missing) >= 3 and 2 * len(missing) > len(known) and not confirmed:
            began, lacked = self.held.get(name, (None, set()))
            if began is None or lacked & {facts.key for facts in apps if not facts.ignored}:
                self.held[name] = (self.world.now, missing)
            if not by_sync or self.world.now - self.held[name][0] < 60 * SECOND:
                self.learn(apps)
                return
        self.held.pop(name, None)
        for key in missing:
            del self.believed[key]
        self.learn(apps)

    def delete(self, key: AppKey) -> None:
        """Believe that an app is gone; a loss that is held back need not confirm it any more."""
        self.believed.pop(key, None)
        self.held = {name: (began, missing - {key}) for name, (began, missing) in self.held.items()}

    def forget_instance(self, name: str) -> None:
        """Believe nothing of an instance any more."""
        self.believed = {key: f for key, f in self.believed.items() if key.instance != name}
        self.held.pop(name, None)


def called(key: AppKey, instance: str) -> AppKey:
    """Give the same app under another name of its instance."""
    return AppKey(instance, key.namespace, key.name)


def _place(key: AppKey) -> tuple[str, str, str]:
    return (f"https://{key.instance}", key.namespace, key.name)


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    # Whether an empty field wants its entity to exist is left open; to a host it is an absent one.
    body = {key: value for key, value in body.items() if not empty(value)}
    body["metadata"] = {k: value for k, value in body["metadata"].items() if not empty(value)}
    return body


class History(RuleBasedStateMachine):
    """Everything that can happen to a catalogue."""

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        self.argo = Argo(self.world)
        self.people = People()
        self.copies: list[tuple[EntityKey, dict[str, Any], dict[str, Any]]] = []

    def make_world(self) -> World:
        """Make the catalogue."""
        return World()

    def form(self, entity: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give an entity as the catalogue keeps it."""
        return entity

    def _all(self, rows: Mapping[EntityKey, Any]) -> Any:
        return catalogue({key: self.form(row) for key, row in rows.items()})

    # --- Argo CD ------------------------------------------------------------------------------

    @rule(fleet=s.fleets)
    def apps_change(self, fleet: list[Facts]) -> None:
        """Apps are made and changed, and nobody is told."""
        for facts in fleet:
            self.argo.put(facts)

    @rule(data=st.data())
    def apps_go(self, data: st.DataObject) -> None:
        """Apps are deleted, and nobody is told."""
        for place in list(self.argo.apps):
            if data.draw(st.booleans()):
                del self.argo.apps[place]

    @rule(facts=s.apps)
    def event(self, facts: Facts) -> None:
        """An app is made or changed, and the stream tells of it at once."""
        self.argo.put(facts)
        name = self.argo.name_of(f"https://{facts.key.instance}")
        if name is None:
            return
        told = attrs.evolve(facts, key=called(facts.key, name))
        self.world.event(told)
        self.argo.learn([told])

    @rule(facts=s.apps)
    def deleted_event(self, facts: Facts) -> None:
        """An app is deleted, and the stream tells of it at once."""
        self.argo.apps.pop(_place(facts.key), None)
        name = self.argo.name_of(f"https://{facts.key.instance}")
        if name is None:
            return
        told = attrs.evolve(facts, key=called(facts.key, name))
        self.world.event(told, deleted=True)
        self.argo.delete(told.key)

    @rule(data=st.data(), wait=st.sampled_from((1, 30, 60, 120)), by_sync=st.booleans())
    def discover(self, data: st.DataObject, wait: int, by_sync: bool) -> None:
        """Some instances answer, some in part, some fail, some are not asked."""
        answers = []
        for name, source in self.world.instances.items():
            outcome = data.draw(st.sampled_from((Outcome.COMPLETE, *Outcome)), label=name)
            apps = self.argo.of(name)
            if outcome is Outcome.PARTIAL:
                apps = [facts for facts in apps if data.draw(st.booleans())]
            if outcome in (Outcome.FAILED, Outcome.SILENT):
                apps = []
            confirmed = outcome is Outcome.COMPLETE and data.draw(st.sampled_from((False, True)))
            answers.append(
                Answer(
                    source=source,
                    outcome=outcome,
                    apps=tuple(apps),
                    by_sync=by_sync,
                    confirmed=confirmed,
                )
            )
        self.world.hear(*answers, after=wait * SECOND)
        for answer in answers:
            name, apps = answer.source.name, list(answer.apps)
            if answer.outcome is Outcome.COMPLETE:
                self.argo.replace(name, apps, by_sync=by_sync, confirmed=answer.confirmed)
            else:
                self.argo.learn(apps)

    # --- configuration ------------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        """The process starts anew and knows what the catalogue knows."""
        self.world.restart()
        self.argo.held = {}
        self.world.quiet()

    @precondition(lambda self: self.world.instances)
    @rule(data=st.data(), restart=st.booleans())
    def rename_instance(self, data: st.DataObject, restart: bool) -> None:
        """An instance gets another name, with or without a restart."""
        old = data.draw(st.sampled_from(sorted(self.world.instances)))
        used = self.world.instances.keys() | self.argo.removed.keys()
        new = data.draw(st.sampled_from(sorted({"one", "two", "prod", "stage", "dev"} - used)))
        if restart:
            self.world.restart()
            self.argo.held = {}
        source = self.world.instances.pop(old)
        self.world.instances[new] = attrs.evolve(source, name=new)
        self.world.quiet()
        self.argo.held.pop(old, None)
        self.argo.believed = {
            (moved := called(key, new) if key.instance == old else key): (
                attrs.evolve(facts, key=moved)
            )
            for key, facts in self.argo.believed.items()
        }

    @precondition(lambda self: self.world.instances)
    @rule(data=st.data())
    def remove_instance(self, data: st.DataObject) -> None:
        """An instance leaves the configuration."""
        name = data.draw(st.sampled_from(sorted(self.world.instances)))
        self.argo.removed[name] = self.world.instances.pop(name)
        self.world.quiet()
        self.argo.forget_instance(name)

    @precondition(lambda self: self.argo.removed)
    @rule(data=st.data())
    def add_instance_back(self, data: st.DataObject) -> None:
        """An instance that left the configuration is added again."""
        name = data.draw(st.sampled_from(sorted(self.argo.removed)))
        self.world.instances[name] = self.argo.removed.pop(name)
        self.world.quiet()

    @precondition(lambda self: self.world.instances)
    @rule(data=st.data(), namespace=st.sampled_from(s.NAMESPACES))
    def learn_own_namespace(self, data: st.DataObject, namespace: str) -> None:
        """It turns out where Argo CD itself lives, so refs are written otherwise."""
        name = data.draw(st.sampled_from(sorted(self.world.instances)))
        source = self.world.instances[name]
        self.world.instances[name] = attrs.evolve(source, own_namespace=namespace)
        self.world.quiet()

    @precondition(lambda self: self.world.instances)
    @rule(data=st.data(), project=st.sampled_from(("", "shop", "other")))
    def change_scope(self, data: st.DataObject, project: str) -> None:
        """An instance is restricted to a project, and answers at once."""
        name = data.draw(st.sampled_from(sorted(self.world.instances)))
        source = attrs.evolve(self.world.instances[name], project=project)
        changed = source != self.world.instances[name]
        self.world.instances[name] = source
        apps = [f for f in self.argo.of(name) if not project or data.draw(st.booleans())]
        self.world.hear(Answer(source=source, outcome=Outcome.COMPLETE, apps=tuple(apps)))
        # What leaves by configuration is not guarded (rule 16).
        self.argo.replace(name, apps, by_sync=True, confirmed=changed)

    # --- people -------------------------------------------------------------------------------

    @rule(body=s.hand_entities())
    def author(self, body: dict[str, Any]) -> None:
        """A person POSTs an entity, or PUTs one written from scratch."""
        body = _without_empty(body)
        self.world.put(body)
        self.people.author(body)

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data(), changes=edits(1, 2))
    def edit(self, data: st.DataObject, changes: list[Edit]) -> None:
        """A person reads an entity, changes it, and PUTs it back."""
        key = data.draw(st.sampled_from(sorted(self.world.rows)))
        self._echo(key, self._read(key), self.people.foreign(key), changes)

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data())
    def keep_a_copy(self, data: st.DataObject) -> None:
        """A person reads an entity and keeps it for later."""
        key = data.draw(st.sampled_from(sorted(self.world.rows)))
        self.copies.append((key, self._read(key), self.people.foreign(key)))

    @precondition(lambda self: self.copies)
    @rule(data=st.data(), changes=edits(0, 1))
    def put_an_old_copy(self, data: st.DataObject, changes: list[Edit]) -> None:
        """A person PUTs what was read long ago."""
        self._echo(*copy.deepcopy(data.draw(st.sampled_from(self.copies))), changes)

    def _read(self, key: EntityKey) -> dict[str, Any]:
        return self.world.edit(key.name, key.namespace)

    def _echo(
        self, key: EntityKey, body: dict[str, Any], foreign: dict[str, Any], changes: list[Edit]
    ) -> None:
        read = "argocd.io/provenance" in body["metadata"].get("annotations", {})
        for change in changes:
            change.do(body, foreign)
        authored = not read or key not in self.world.rows
        self.world.put(body)
        self.people.echo(key, foreign, authored=authored)

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data(), name=st.sampled_from(("copied", "legacy")))
    def export(self, data: st.DataObject, name: str) -> None:
        """A person POSTs an entity under another name."""
        key = data.draw(st.sampled_from(sorted(self.world.rows)))
        body, foreign = self._read(key), self.people.foreign(key)
        for entity in (body, foreign):
            entity["metadata"]["name"] = name
        if EntityKey("Service", key.namespace, name) not in self.world.rows:
            self.world.post(body)
            self.people.author(foreign)

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        """A person gives an entity another name: a DELETE and a POST."""
        key = data.draw(st.sampled_from(sorted(self.world.rows)))
        body, foreign = self._read(key), self.people.foreign(key)
        for entity in (body, foreign):
            entity["metadata"]["name"] = "renamed"
        if EntityKey("Service", key.namespace, "renamed") not in self.world.rows:
            self.world.delete(key.name, key.namespace)
            self.people.delete(key)
            self.world.post(body)
            self.people.author(foreign)

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A person deletes an entity."""
        key = data.draw(st.sampled_from(sorted(self.world.rows)))
        self.world.delete(key.name, key.namespace)
        self.people.delete(key)

    # --- neighbours ---------------------------------------------------------------------------

    @rule(body=s.neighbour_upserts)
    def upsert(self, body: dict[str, Any]) -> None:
        """A neighbour plugin merges what it knows into an entity."""
        key = EntityKey("Service", "default", body["metadata"]["name"])
        exists = key in self.world.rows
        self.world.upsert(body)
        self.people.upsert(body, exists=exists)

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data(), mode=st.sampled_from(("put", "upsert")))
    def enrich(self, data: st.DataObject, mode: str) -> None:
        """The GitHub plugin reads an entity, adds what it derives, and writes the whole back."""
        key = data.draw(st.sampled_from(sorted(self.world.rows)))
        body, foreign = self._read(key), self.people.foreign(key)
        read = "argocd.io/provenance" in body["metadata"].get("annotations", {})
        for entity in (body, foreign):
            entity["metadata"].setdefault("annotations", {})["github.com/owner"] = "acme"
        getattr(self.world, mode)(body)
        self.people.echo(key, foreign, authored=not read and mode == "put")

    @precondition(lambda self: self.people.entities)
    @rule(data=st.data(), everything=st.booleans())
    def take_back(self, data: st.DataObject, everything: bool) -> None:
        """A neighbour plugin takes its part out of an entity, or all that is foreign."""
        key = data.draw(st.sampled_from(sorted(self.people.entities)))
        rest = bare(key) if everything else self.people.foreign(key)
        annotations = rest["metadata"].get("annotations", {})
        for name in [name for name in annotations if name.startswith("kubernetes.io/")]:
            del annotations[name]
        self.world.take_back(rest)
        self.people.take_back(rest)

    # --- the law ------------------------------------------------------------------------------

    @invariant()
    def only_the_present_counts(self) -> None:
        """The catalogue is what one first discovery of the present makes of what others say."""
        said = {key: (one.entity, one.wanted) for key, one in self.people.entities.items()}
        expected = fresh(said, self.argo.believed.values(), self.world.instances.values())

        assert self._all(self.world.rows) == self._all(expected.rows)
        self.people.forget(self.world.rows)

    @invariant()
    def what_others_say_is_kept(self) -> None:
        """What is not ours in an entity is what others wrote, and nothing else."""
        for key, row in self.world.rows.items():
            found = foreign_part(split(row, key).entity or bare(key))
            said = self.people.foreign(key)
            assert json.dumps(self.form(found), sort_keys=True) == json.dumps(
                self.form(said), sort_keys=True
            )

    @invariant()
    def every_app_is_in_one_entity(self) -> None:
        """Each app that is believed in stands in exactly one entity."""
        own = {name: source.own_namespace for name, source in self.world.instances.items()}

        assert self.world.placements().keys() == {
            key.ref(own[key.instance]) for key in self.argo.believed
        }


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=max(1, settings().max_examples // 5), stateful_step_count=25
)
