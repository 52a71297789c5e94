"""
The laws of correlation, each one property (requirement C5).

The rules are told by example in ``test_examples.py``; what no example may break is here.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import attrs
import pytest
import strategies as s
from comparing import catalogue, comparable, foreign_part, key_of, text_of, world_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from world import START, World

from gantry_argocd.correlation import Answer, InstanceInfo, Outcome, correlate, receive, split
from gantry_argocd.correlation.provenance import decode
from gantry_argocd.models import Facts
from gantry_argocd.refs import AppKey
from gantry_argocd.status import HEALTH_ORDER, SYNC_ORDER, worst_health, worst_sync

BOTH = ("one", "two")
SOURCES = tuple(InstanceInfo(name=name, origin=f"https://{name}") for name in BOTH)
entities = s.hand_entities() | s.broken_entities()
randoms = st.randoms(use_true_random=False)


def law(*drawn: Any, **named: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Try a law with as many examples as the profile says; fewer while somebody waits."""
    examples = settings().max_examples
    few = settings(max_examples=examples if examples >= 500 else max(1, examples * 3 // 10))
    return lambda test: few(given(*drawn, **named)(test))


def complete(fleet: list[Facts], *, partial: bool = False) -> list[Answer]:
    """Let both instances say all that they have."""
    return [
        Answer(
            source=source,
            outcome=Outcome.PARTIAL if partial else Outcome.COMPLETE,
            apps=tuple(facts for facts in fleet if facts.key.instance == source.name),
            began_at=START,
        )
        for source in SOURCES
    ]


def settled(rows: list[dict[str, Any]], fleet: list[Facts]) -> World:
    """Make a world in which everything was discovered once."""
    world = world_of(rows)
    world.set(*fleet)
    world.sync()
    return world


def empty(world: World) -> None:
    """Let all apps go."""
    world.only()
    world.sync(confirm=BOTH)


@law(s.catalogues(entities), s.fleets)
def test_doing_it_again_writes_nothing(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """A discovery that finds what was there already writes nothing."""
    world = settled(rows, fleet)
    world.sync()

    assert world.written == 0


@law(s.catalogues(entities), s.fleets)
def test_a_restart_forgets_nothing(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """After a restart, with every instance silent, nothing changes: the catalogue knows."""
    world = settled(rows, fleet)
    assume(all(place.entity for place in world.last.placements.values()))  # type: ignore[union-attr]
    world.restart()
    world.quiet()

    assert world.written == 0


@law(s.catalogues(entities | s.damaged_entities()), s.fleets, randoms)
def test_order_does_not_matter(
    rows: list[dict[str, Any]], fleet: list[Facts], random: Random
) -> None:
    """Entities, instances and apps that are listed in another order give the same catalogue."""
    answers = complete(fleet)
    one = correlate(rows, answers)
    other = correlate(
        random.sample(rows, len(rows)),
        [
            attrs.evolve(answer, apps=tuple(random.sample(answer.apps, len(answer.apps))))
            for answer in random.sample(answers, len(answers))
        ],
    )

    assert one.changes == other.changes
    assert one.placements == other.placements
    assert sorted(one.problems) == sorted(other.problems)


@law(s.catalogues(), s.fleets, s.fleets, randoms)
def test_one_instance_at_a_time_is_the_same_as_all_at_once(
    rows: list[dict[str, Any]], before: list[Facts], after: list[Facts], random: Random
) -> None:
    """Instances that answer one after another give what they give when they answer together."""
    together, apart = settled(rows, before), settled(rows, before)
    for world in (together, apart):
        world.only(*after)
    together.sync(confirm=BOTH)
    for answer in random.sample(complete(after), 2):
        apart.hear(attrs.evolve(answer, confirmed=True))

    assert catalogue(apart.rows) == catalogue(together.rows)


@law(s.catalogues(), s.fleets, s.fleets, randoms)
def test_one_app_at_a_time_is_the_same_as_all_at_once(
    rows: list[dict[str, Any]], before: list[Facts], after: list[Facts], random: Random
) -> None:
    """A stream that tells of each change by itself ends where a discovery would."""
    together, apart = settled(rows, before), settled(rows, before)
    together.only(*after)
    together.sync(confirm=BOTH)
    there = {facts.key: facts for facts in after}
    changed = sorted({facts.key for facts in before} | there.keys())
    gone = {facts.key: facts for facts in before}
    for key in random.sample(changed, len(changed)):
        apart.event(there.get(key) or gone[key], deleted=key not in there)

    assert catalogue(apart.rows) == catalogue(together.rows)


@law(s.catalogues(), s.fleets, s.neighbour_upserts)
def test_the_order_of_plugins_does_not_matter(
    rows: list[dict[str, Any]], fleet: list[Facts], upsert: dict[str, Any]
) -> None:
    """Whether a neighbour plugin or Argo CD comes first, the catalogue is the same."""
    assume(key_of(upsert) in {key_of(row) for row in rows} or "spec" in upsert)
    first = world_of(rows)
    first.upsert(upsert)
    first.set(*fleet)
    first.sync()
    last = settled(rows, fleet)
    last.upsert(upsert)

    assert catalogue(first.rows) == catalogue(last.rows)


@law(s.catalogues(entities), s.fleets)
def test_nothing_foreign_is_lost_or_changed(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """What others wrote can be read out of the entity again, to the letter."""
    world = settled(rows, fleet)

    for row in rows:
        now = world.rows[key_of(row)]
        assert text_of(foreign_part(split(now, key_of(row)).entity or {})) == text_of(
            foreign_part(row)
        )


@law(s.catalogues(), s.fleets)
def test_foreign_fields_stand_as_they_were(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """Nobody has to strip anything: each foreign field stands in the entity as it was written."""
    world = settled(rows, fleet)

    for row in map(foreign_part, rows):
        now = world.rows[key_of(row)]
        annotations = row["metadata"].get("annotations", {})
        spec = row.get("spec", {})
        for key, value in annotations.items():
            found = now["metadata"]["annotations"][key]
            assert found.startswith(value) if key == "argocd.io/appNames" else found == value
        for key, value in spec.items():
            found = now["spec"][key]
            kept = found[: len(value)] if key == "deployedIn" else found
            assert text_of(kept) == text_of(value)
        for key, value in row["metadata"].items():
            assert key == "annotations" or text_of(now["metadata"][key]) == text_of(value)
        for key in row.keys() - {"metadata", "spec"}:
            assert text_of(now[key]) == text_of(row[key])


@law(s.catalogues(), s.fleets)
def test_nothing_is_added_twice(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """A reference that is there is not added, and none is added twice."""
    world = settled(rows, fleet)
    written = {key_of(row): row for row in rows}

    for key, row in world.rows.items():
        before = written.get(key, {"metadata": {}})
        for read in (_environments, _refs):
            there = read(before)
            added = read(row) - there
            assert not added.keys() & there.keys()
            assert all(count == 1 for count in added.values())


def _environments(entity: Any) -> Counter[tuple[str, str]]:
    listed = entity.get("spec", {}).get("deployedIn", [])
    return Counter((ref["kind"], ref["name"]) for ref in listed)


def _refs(entity: Any) -> Counter[str]:
    text = entity["metadata"].get("annotations", {}).get("argocd.io/appNames", "")
    return Counter(element for part in text.split(",") if (element := part.strip()))


@law(s.catalogues(entities), s.fleets)
def test_what_came_and_went_leaves_no_trace(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """When all apps go, the catalogue is what it was without them, byte for byte."""
    world = settled(rows, fleet)
    empty(world)

    assert {key: text_of(foreign_part(row)) for key, row in world.rows.items()} == {
        key_of(row): text_of(foreign_part(row)) for row in rows
    }


@law(s.catalogues(entities), s.fleets)
def test_every_app_is_in_one_entity(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """An app stands in exactly one entity; one that can be in none is reported."""
    world = settled(rows, fleet)
    found = world.placements()
    own = {name: source.own_namespace for name, source in world.instances.items()}

    for facts in fleet:
        ref = facts.key.ref(own[facts.key.instance])
        reported = any(text.startswith(f"{ref}: ") for text in world.problems)
        assert (ref in found) + facts.ignored + reported == 1 or facts.ignored


@law(s.catalogues(), s.fleets, s.fleets, st.sampled_from((Outcome.FAILED, Outcome.SILENT)))
def test_a_failure_takes_and_moves_nothing(
    rows: list[dict[str, Any]], before: list[Facts], after: list[Facts], outcome: Outcome
) -> None:
    """An instance that cannot be asked keeps its apps where they are, whatever it has by then."""
    world = settled(rows, before)
    expected = catalogue(world.rows)
    world.only(*after)
    world.sync(outcomes=dict.fromkeys(BOTH, outcome))

    assert catalogue(world.rows) == expected


@law(s.catalogues(), s.fleets, s.fleets)
def test_a_partial_answer_takes_nothing(
    rows: list[dict[str, Any]], before: list[Facts], after: list[Facts]
) -> None:
    """A list that could not be read in full takes away only what asks to be left out."""
    world = settled(rows, before)
    known = set(world.last.known)  # type: ignore[union-attr]
    world.only(*after)
    result = world.sync(outcomes=dict.fromkeys(BOTH, Outcome.PARTIAL))

    assert result.known.keys() >= known - {facts.key for facts in after if facts.ignored}


@law(s.catalogues(), s.fleets)
def test_stale_apps_say_what_they_said(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """When all instances fail, the entities of their apps are marked, and no others."""
    world = settled(rows, fleet)
    world.down |= set(BOTH)
    world.sync()

    for key, row in world.rows.items():
        annotations = row["metadata"].get("annotations", {})
        assert ("argocd.io/apps" in annotations) == ("argocd.io/staleSince" in annotations), key


@law(s.catalogues(), st.lists(s.apps, max_size=6))
def test_the_first_of_an_app_that_stands_twice_counts(
    rows: list[dict[str, Any]], answered: list[Facts]
) -> None:
    """A list that names an app twice gives what it gives without the second one."""
    once = list({facts.key: facts for facts in reversed(answered)}.values())
    twice = correlate(rows, complete(answered))

    assert twice.changes == correlate(rows, complete(once)).changes
    assert bool(len(answered) - len(once)) == any("twice" in text for text in twice.problems)


STATUSES = (
    pytest.param(worst_sync, (*SYNC_ORDER, "Odd", "Aha", ""), id="sync"),
    pytest.param(worst_health, (*HEALTH_ORDER, "Odd", "Aha", ""), id="health"),
)


@pytest.mark.parametrize(("worst", "words"), STATUSES)
@law(data=st.data())
def test_the_roll_up_is_a_semilattice(worst: Any, words: tuple[str, ...], data: Any) -> None:
    """The worst of a group does not depend on how, how often and in which order it is taken."""
    a, b, c = (data.draw(st.sampled_from(words)) for _ in range(3))

    assert worst([a, b]) == worst([b, a])
    assert worst([worst([a, b]), c]) == worst([a, worst([b, c])]) == worst([a, b, c])
    assert worst([a, a]) == worst([a]) == (a or "Unknown")
    assert worst([worst([a, b]), a]) == worst([a, b])


@pytest.mark.parametrize(
    ("worst", "order"), [(worst_sync, SYNC_ORDER), (worst_health, HEALTH_ORDER)]
)
@law(data=st.data())
def test_one_more_app_never_makes_a_service_look_better(
    worst: Any, order: tuple[str, ...], data: Any
) -> None:
    """The worst of more apps is at least as bad."""
    some = data.draw(st.lists(st.sampled_from(order), min_size=1))
    more = data.draw(st.sampled_from(order))

    assert order.index(worst([*some, more])) >= order.index(worst(some))
    assert worst(some) in some


@law(
    st.lists(s.garbage | s.damaged_entities(), max_size=4),
    s.answers_with_repeats,
    st.lists(s.records(), max_size=3),
    st.lists(st.sampled_from(Outcome), min_size=3, max_size=3),
)
def test_nothing_that_stands_in_a_catalogue_can_break_it(
    rows: list[Any], answered: list[Facts], memory: list[Any], outcomes: list[Outcome]
) -> None:
    """Rubbish in entities and twins among instances give a result, and stay as they were."""
    names = zip(outcomes, (*SOURCES, SOURCES[0]), strict=True)
    answers = [
        Answer(
            source=source,
            outcome=outcome,
            apps=tuple(facts for facts in answered if facts.key.instance == source.name),
            began_at=START,
        )
        for outcome, source in names
    ]
    before = copy.deepcopy((rows, answers, memory))
    result = correlate(rows, answers, memory=memory)

    assert repr((rows, answers, memory)) == repr(before)
    assert all(change["kind"] == "Service" for change in result.changes)


@law(s.catalogues(s.broken_entities() | s.damaged_entities()), s.fleets)
def test_damage_does_not_spread(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """Over damaged provenance, too, the second correlation writes nothing."""
    world = settled(rows, fleet)
    world.sync(confirm=BOTH)
    world.sync()

    assert world.written == 0


@law(s.hand_entities(("pay",)), s.damaged_texts())
def test_a_provenance_that_cannot_be_read_takes_nothing_away(
    entity: dict[str, Any], text: Any
) -> None:
    """What carries an unreadable provenance belongs to whoever wrote it, but for status keys."""
    if decode(text) is not None:
        return
    row = copy.deepcopy(entity)
    row["metadata"].setdefault("annotations", {})["argocd.io/provenance"] = text
    world = world_of([row])
    world.sync()

    assert text_of(foreign_part(world.rows[key_of(row)])) == text_of(foreign_part(row))
    assert any("cannot be read" in problem for problem in world.problems)


@law(s.provenances(uniform=True))
def test_provenance_survives_being_written(provenance: Any) -> None:
    """What is recorded in an entity can be read again."""
    found = decode(provenance.encode())

    assert found == provenance
    assert [record.read_at for record in found.records] == [  # type: ignore[union-attr]
        record.read_at for record in provenance.records
    ]


@law(s.damaged_texts())
def test_any_provenance_is_read_or_refused(text: Any) -> None:
    """A provenance that was tampered with is read or refused, and reading it never fails."""
    found = decode(text)

    assert found is None or decode(found.encode()) is not None


@law(s.damaged_texts())
def test_what_was_read_once_is_read_the_same_again(text: Any) -> None:
    """A provenance that somebody edited settles when it is written again."""
    found = decode(text)

    assert found is None or decode(found.encode()) == found


@pytest.mark.parametrize("mode", ["put", "upsert"])
@law(rows=s.catalogues(), fleet=s.fleets, data=st.data())
def test_an_echo_changes_nothing(
    mode: str, rows: list[dict[str, Any]], fleet: list[Facts], data: Any
) -> None:
    """Writing back what was read claims nothing and writes nothing."""
    world = settled(rows, fleet)
    assume(world.rows)
    key = data.draw(st.sampled_from(sorted(world.rows)))
    before = catalogue(world.rows)
    getattr(world, mode)(world.edit(key.name, key.namespace))

    assert catalogue(world.rows) == before
    empty(world)
    assert world.rows.keys() == {key_of(row) for row in rows}


@law(s.catalogues(), s.fleets, st.data())
def test_a_delete_leaves_our_part_alone(
    rows: list[dict[str, Any]], fleet: list[Facts], data: Any
) -> None:
    """A Service that a person deletes is what it would be had that person never written it."""
    world = settled(rows, fleet)
    assume(world.rows)
    key = data.draw(st.sampled_from(sorted(world.rows)))
    world.delete(key.name, key.namespace)

    rest = settled([row for row in rows if key_of(row) != key], fleet)
    assert catalogue(world.rows) == catalogue(rest.rows)


@law(s.catalogues(), s.fleets, s.hand_entities())
def test_an_authored_put_is_all_that_others_say(
    rows: list[dict[str, Any]], fleet: list[Facts], body: dict[str, Any]
) -> None:
    """A Service that a person writes anew is what it would be had it been written before us."""
    world = settled(rows, fleet)
    world.put(body)

    others = [row for row in rows if key_of(row) != key_of(body)]
    assert catalogue(world.rows) == catalogue(settled([*others, body], fleet).rows)


@law(s.hand_entities(), s.hand_entities())
def test_receiving_changes_no_argument(stored: dict[str, Any], body: dict[str, Any]) -> None:
    """A host keeps the entities that it hands over."""
    before = text_of((stored, body))
    for mode in ("create", "replace", "upsert", "take-back"):
        receive(stored, body, mode)  # type: ignore[arg-type]
    receive(stored, None, "delete")

    assert text_of((stored, body)) == before


@law(
    st.lists(s.apps_of(s.app_keys), min_size=3, max_size=6, unique_by=lambda f: f.key[1:]),
    st.integers(0, 59),
)
def test_a_sudden_loss_is_never_believed_within_a_minute(fleet: list[Facts], wait: int) -> None:
    """However often an instance says within a minute that most is gone, it is kept."""
    fleet = [
        attrs.evolve(facts, key=AppKey("one", *facts.key[1:]), ignored=False) for facts in fleet
    ]
    world = settled([], fleet)
    expected = catalogue(world.rows)
    world.only()
    world.sync()
    world.sync(after=timedelta(seconds=wait))

    assert catalogue(world.rows) == expected
    world.sync(after=timedelta(seconds=60 - wait))
    assert not world.rows


@law(s.catalogues(), s.fleets)
def test_what_we_write_is_json(rows: list[dict[str, Any]], fleet: list[Facts]) -> None:
    """Every entity of ours survives the way through a database and the network."""
    for row in settled(rows, fleet).rows.values():
        assert comparable(json.loads(json.dumps(row))) == comparable(row)
