"""What plugins write: transactions, correlation, concurrency, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gantry_argocd.hookspecs import Applied, Change, Correlation, Entity, hookimpl
from gantry_argocd.refhost import Host
from gantry_argocd.refhost.documents import Key
from gantry_argocd.refhost.foreign import ForeignWrite
from gantry_argocd.refhost.problems import Busy, Clash
from gantry_argocd.refhost.trail import Actor

from .support import Marker, Time, change, make_host, service

PERSON = Actor("ada", source="api")


@pytest.fixture
def host(tmp_path: Path, time: Time) -> Iterator[Host]:
    """Give a host that runs, without a server."""
    made = make_host(tmp_path, Marker(), time=time)
    made.start()
    yield made
    made.close()


def write(host: Host, mode: Any, body: dict[str, Any] | None, name: str = "pay") -> Entity | None:
    """Do one foreign write."""
    if body is not None:
        body = {**body, "metadata": {"namespace": "default", **body["metadata"]}}
    key = Key("Service", "default", name)
    return host.catalogue.write([ForeignWrite(mode, key, body)], host.plugins, PERSON)[0]


def plugin_update(host: Host, *changes: Change) -> Applied:
    """Apply changes as the plugin ``argocd`` does."""
    return host.lifecycle.host_of("argocd").update(lambda _: changes)


def create(name: str, **metadata: Any) -> Change:
    """Make a change that creates a Service."""
    whole = service(name, namespace="default", **metadata)
    return Change(
        action="create", kind="Service", namespace="default", name=name, entity=whole, reason="new"
    )


def names(host: Host) -> list[str]:
    """List the Services."""
    return [entity["metadata"]["name"] for entity in host.catalogue.entities("Service")]


def test_a_plugin_creates_updates_and_deletes(host: Host) -> None:
    """Changes of a plugin are applied, counted, and carry its name."""
    made = plugin_update(host, create("pay"), create("web"))
    pay = host.catalogue.entities("Service")[0]
    gone = Change(
        action="delete", kind="Service", namespace="default", name="web", entity=None, reason="gone"
    )
    then = plugin_update(host, change(pay, title="Pay"), gone)

    assert made == {"created": 2, "updated": 0, "deleted": 0}
    assert then == {"created": 0, "updated": 1, "deleted": 1}
    assert names(host) == ["pay"]
    assert pay["metadata"]["createdBy"] == "argocd-plugin"
    assert [entry["action"] for entry in host.trail.newest(resource="Service:default/web")] == [
        "entity.deleted",
        "entity.created",
    ]


def test_what_does_not_change_is_not_written(host: Host, time: Time) -> None:
    """An empty answer and an equal entity move neither time nor trail."""
    plugin_update(host, create("pay", annotations={"a": "b"}))
    before = host.catalogue.entities("Service")
    entries = len(host.trail.newest())
    time.advance(hours=1)

    assert plugin_update(host) == {"created": 0, "updated": 0, "deleted": 0}
    assert plugin_update(host, change(before[0])) == {"created": 0, "updated": 0, "deleted": 0}
    assert host.catalogue.entities("Service") == before
    assert len(host.trail.newest()) == entries


def test_an_equal_number_of_another_type_is_a_change(host: Host) -> None:
    """``1`` and ``true`` are different values, though Python thinks them equal."""
    plugin_update(host, create("pay", x=1))
    pay = host.catalogue.entities("Service")[0]

    assert plugin_update(host, change(pay, x=True))["updated"] == 1


def test_a_correlation_that_was_overtaken_is_done_again(host: Host) -> None:
    """When an entity appears between reading and writing, the plugin is asked again with it."""
    plugin_update(host, create("pay"))
    seen: list[list[str]] = []

    def correlate(entities: Sequence[Entity]) -> Sequence[Change]:
        seen.append([entity["metadata"]["name"] for entity in entities])
        if len(seen) == 1:
            write(host, "create", service("web"), "web")
        return [change(entity, title=f"seen {len(seen)}") for entity in entities]

    counts = host.lifecycle.host_of("argocd").update(correlate)

    assert seen == [["pay"], ["pay", "web"]]
    assert counts["updated"] == 2
    titles = {entity["metadata"]["title"] for entity in host.catalogue.entities("Service")}
    assert titles == {"seen 2"}


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """Two hosts on one database that count in one entity at the same time miss no count."""
    hosts = [make_host(tmp_path), make_host(tmp_path)]
    plugin_update(hosts[0], create("pay", count=0))
    rounds = 20

    def count(host: Host) -> None:
        for _ in range(rounds):
            host.lifecycle.host_of("argocd").update(
                lambda entities: [
                    change(entity, count=entity["metadata"]["count"] + 1) for entity in entities
                ]
            )

    threads = [threading.Thread(target=count, args=[host]) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counts = [host.catalogue.entities("Service")[0]["metadata"]["count"] for host in hosts]
    for host in hosts:
        host.close()
    assert counts == [2 * rounds] * 2


def test_a_correlation_that_fails_changes_nothing(host: Host) -> None:
    """An exception in a plugin's correlation rolls everything back and reaches the plugin."""
    plugin_update(host, create("pay"))

    def correlate(_: Sequence[Entity]) -> Sequence[Change]:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        host.lifecycle.host_of("argocd").update(correlate)
    assert names(host) == ["pay"]


def test_a_write_is_correlated_before_it_is_answered(host: Host) -> None:
    """What a plugin adds to a written entity is in the answer of the write."""
    stored = write(host, "create", service("pay", annotations={"mark/want": "1"}))

    assert stored is not None
    assert stored["metadata"]["annotations"] == {"mark/want": "1", "mark/has": "1"}
    assert stored == host.catalogue.get(Key("Service", "default", "pay"))


def test_a_plugins_value_that_somebody_edits_is_right_again(host: Host) -> None:
    """A person's copy of the plugin's own value does not stay."""
    write(host, "create", service("pay", annotations={"mark/want": "1"}))

    stored = write(host, "replace", service("pay", annotations={"mark/want": "2", "mark/has": "9"}))

    assert stored is not None
    assert stored["metadata"]["annotations"] == {"mark/want": "2", "mark/has": "2"}


def test_an_upsert_reaches_the_plugin_with_what_is_stored(host: Host) -> None:
    """A neighbour's write is merged by the plugin that knows whose values are whose."""
    write(host, "create", service("pay", annotations={"mark/want": "1"}))

    stored = write(host, "upsert", service("pay", annotations={"kubernetes.io/uid": "d1"}))

    assert stored is not None
    assert stored["metadata"]["annotations"] == {
        "mark/want": "1",
        "mark/has": "1",
        "kubernetes.io/uid": "d1",
    }
    assert stored["metadata"]["createdBy"] == "ada"


def test_neighbours_are_merged_by_the_host_when_no_plugin_has_a_say(tmp_path: Path) -> None:
    """Annotations overwrite, lists unite, the rest fills what is absent."""
    host = make_host(tmp_path)
    mine = service("pay", title="Mine", tags=["a"], annotations={"x": "old", "y": "1"})
    mine["spec"]["deployedIn"] = [{"kind": "Environment", "name": "prod"}]
    write(host, "create", mine)
    theirs = service("pay", title="Theirs", owner="team", tags=["a", "b"], annotations={"x": "new"})
    theirs["spec"] = {
        "type": "worker",
        "deployedIn": [{"kind": "Environment", "name": name} for name in ("prod", "stage")],
    }

    stored = write(host, "upsert", theirs)
    host.close()

    assert stored is not None
    metadata, spec = stored["metadata"], stored["spec"]
    assert (metadata["title"], metadata["owner"], metadata["tags"]) == ("Mine", "team", ["a", "b"])
    assert metadata["annotations"] == {"x": "new", "y": "1"}
    assert spec["type"] == "backend"
    assert [ref["name"] for ref in spec["deployedIn"]] == ["prod", "stage"]


class Keeper:
    """A plugin that owns ``pay``: when it is not there, it makes it."""

    @hookimpl
    def receive_write(self, body: Entity | None) -> Entity | None:
        """Take whatever is written."""
        return body

    @hookimpl
    def correlate(self, entities: Sequence[Entity]) -> Correlation:
        """Make what is missing."""
        there = any(entity["metadata"]["name"] == "pay" for entity in entities)
        return Correlation(plugin="keeper", changes=[] if there else [create("pay")], problems=[])


def test_what_a_plugin_owns_comes_back_when_a_person_deletes_it(tmp_path: Path) -> None:
    """After the delete the entity is there again, made by the plugin, in one transaction."""
    host = make_host(tmp_path, Keeper())
    write(host, "create", service("pay", title="mine"))

    stored = write(host, "delete", None)
    host.close()

    assert stored is not None
    assert "title" not in stored["metadata"]
    actions = [entry["action"] for entry in host.trail.newest(resource="Service:default/pay")]
    assert actions == ["entity.updated", "entity.created"]


def test_a_write_of_many_is_all_or_nothing(host: Host) -> None:
    """When one write of a batch is refused, none of it is stored."""
    bodies = [service("a", namespace="default"), service("a", namespace="default")]
    writes = [ForeignWrite("create", Key("Service", "default", "a"), body) for body in bodies]

    with pytest.raises(Clash):
        host.catalogue.write(writes, host.plugins, PERSON)
    assert names(host) == []


def test_a_writer_who_is_always_overtaken_gets_in_at_last(host: Host) -> None:
    """The last try shuts the others out, so a busy catalogue starves nobody."""
    plugin_update(host, create("pay"))
    tries = []

    def correlate(entities: Sequence[Entity]) -> Sequence[Change]:
        tries.append(1)
        if len(tries) < 6:
            write(host, "create", service(f"x{len(tries)}"), f"x{len(tries)}")
        return [change(entities[0], title="done")]

    host.lifecycle.host_of("argocd").update(correlate)

    assert len(tries) == 6
    assert host.catalogue.entities("Service")[0]["metadata"]["title"] == "done"


def test_a_broken_database_is_said_so(host: Host, tmp_path: Path) -> None:
    """When the database cannot be written the writer is told, not left waiting."""
    with host.catalogue._engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE entities RENAME TO elsewhere")
        connection.commit()

    with pytest.raises(Busy, match="could not be written"):
        write(host, "create", service("pay"))


def test_many_changes_leave_one_entry(host: Host) -> None:
    """A discovery of hundreds is one line in the trail."""
    plugin_update(host, *(create(f"s{number}") for number in range(150)))

    entries = host.trail.newest()
    assert [entry["action"] for entry in entries] == ["catalogue.updated"]
    assert entries[0]["details"] == {"created": 150, "updated": 0, "deleted": 0}
