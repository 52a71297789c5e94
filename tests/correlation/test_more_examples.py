"""
Further rows for the rules: what the example table leaves open, each found by a law or a fault.
"""

from __future__ import annotations

import copy
import json
import re
from datetime import timedelta
from itertools import pairwise

import attrs
import pytest
from world import World, app, kubernetes, service

from gantry_argocd.correlation import Adoption, Answer, Outcome, correlate
from gantry_argocd.correlation.provenance import decode
from gantry_argocd.refs import EntityKey

# --- found by the laws ---


def test_a_spec_that_is_null_is_left_alone() -> None:
    """A spec of a wrong type stays as it was, null too."""
    world = World()
    world.rows[EntityKey("Service", "default", "pay")] = broken = service("pay") | {"spec": None}
    world.set(app("one:pay"))
    world.sync()
    assert world.annotation("pay", "syncStatus") == "Synced"
    world.only()
    world.sync()

    assert world.edit("pay") == broken


def test_each_app_keeps_the_scope_that_it_was_read_under() -> None:
    """Apps that a narrower project no longer shows go at once, also out of a shared Service."""
    world = World(*(app(f"one:{name}", label="web") for name in "abcde"))
    world.instances["one"] = attrs.evolve(world.instances["one"], project="shop")
    world.event(app("one:e", label="web"))
    world.only(app("one:e", label="web"))
    world.sync()

    assert world.apps_in("web") == {"one:e"}


def test_an_event_confirms_its_own_app_and_not_the_wait_of_the_others() -> None:
    """When one held-back app is said to be deleted, the others need no further minute."""
    world = World(*(app(f"one:{name}") for name in "abcdef"))
    world.only(app("one:a"))
    world.sync()
    world.event(app("one:b"), deleted=True)
    assert len(world.names) == 5
    world.sync()

    assert world.names == {"a"}


def test_a_rename_is_understood_in_whatever_order_entities_are_listed() -> None:
    """An instance that was restricted and then renamed keeps its apps."""
    for order in (1, -1):
        world = World(app("one:a"), app("one:b"), instances=("one",))
        world.instances["one"] = attrs.evolve(world.instances["one"], project="shop")
        world.event(app("one:a"))
        world.restart()
        world.rename_instance("one", "prod")
        world.down.add("prod")
        world.rows = dict(sorted(world.rows.items())[::order])
        world.sync()

        assert world.placements() == {"prod:a": "a", "prod:b": "b"}


def test_two_records_of_one_app_are_settled_whatever_the_order() -> None:
    """A provenance that somebody copied into another entity gives one result, the newer record."""
    world = World(app("one:pay"))
    old = world.edit("pay")
    world.set(app("one:pay", sync="OutOfSync"))
    world.sync()
    new = world.edit("pay")
    old["metadata"]["name"] = "twin"
    annotations = old["metadata"]["annotations"]
    annotations["argocd.io/provenance"] = annotations["argocd.io/provenance"].replace(
        "Service/default/pay", "Service/default/twin"
    )
    silent = [Answer(source=source) for source in world.instances.values()]

    assert correlate([old, new], silent).changes == correlate([new, old], silent).changes


@pytest.mark.parametrize("value", [False, 0])
def test_a_field_that_a_person_set_to_false_is_theirs(value: object) -> None:
    """What a person added stays when the app goes, also when it says no."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["pinned"] = value
    world.put(body)
    world.only()
    world.sync()

    assert world.edit("pay") == service("pay", pinned=value)


def test_an_entity_without_us_is_not_written_for_its_empty_annotations() -> None:
    """A Service that has nothing to do with Argo CD is not touched, empty annotations or not."""
    world = World()
    key = EntityKey("Service", "default", "billing")
    world.rows[key] = service("billing", annotations={})
    world.sync()

    assert world.written == 0


@pytest.mark.parametrize("key", ["ns", "n", "origin"])
def test_an_empty_name_in_the_provenance_is_damage(key: str) -> None:
    """A provenance in which somebody emptied a name is refused, or it can be read for ever."""
    world = World(app("one:pay"))
    text = world.annotation("pay", "provenance")
    found = decode(re.sub(f'"{key}":"[^"]*"', f'"{key}":""', text))

    assert found is None or decode(found.encode()) == found


def test_an_app_that_opts_out_does_not_prolong_the_wait_of_the_others() -> None:
    """When one held-back app asks to be left out, the others need no further minute."""
    world = World(*(app(f"one:{name}") for name in "abcdef"))
    world.only(app("one:a"))
    world.sync()
    world.event(app("one:b", ignored=True))
    assert len(world.names) == 5
    world.sync()

    assert world.names == {"a"}


def test_a_record_that_names_another_instance_is_damage() -> None:
    """A provenance that puts an app under another instance decides nothing by the order."""
    world = World(app("one:pay"))
    row = world.edit("pay")
    data = json.loads(world.annotation("pay", "provenance"))
    data["from"]["two"] = {"origin": "https://two"}
    data["apps"][0]["from"] = "two"
    row["metadata"]["annotations"]["argocd.io/provenance"] = json.dumps(data)
    one, two = world.instances.values()
    answers = [
        Answer(source=one, outcome=Outcome.COMPLETE, apps=(app("one:pay", sync="OutOfSync"),)),
        Answer(source=two),
    ]

    assert correlate([row], answers).changes == correlate([row], answers[::-1]).changes


# --- found by seeded faults ---


def test_an_empty_project_in_the_provenance_settles() -> None:
    """A provenance in which somebody emptied the project reads the same when written again."""
    world = World(app("one:pay"))
    text = world.annotation("pay", "provenance")
    found = decode(text.replace('"project":"default"', '"project":""'))

    assert found is not None
    assert decode(found.encode()) == found


def test_a_later_version_of_the_provenance_is_not_guessed_at() -> None:
    """What a later release recorded counts as written by others, however familiar it looks."""
    world = World(app("one:pay"))
    annotations = world.rows[EntityKey("Service", "default", "pay")]["metadata"]["annotations"]
    annotations["argocd.io/provenance"] = annotations["argocd.io/provenance"].replace(
        '"v":1', '"v":2'
    )
    world.quiet()
    world.only()
    world.sync()

    assert world.spec("pay")["type"] == "backend"
    assert world.annotation("pay", "appName") == "pay"


def test_a_write_keeps_what_the_row_knows_of_its_apps() -> None:
    """A PUT just after a restart, while Argo CD is silent, loses no app."""
    world = World(app("one:pay"))
    world.restart()
    world.put(service("pay", annotations={"acme/x": "1"}))

    assert world.apps_in("pay") == {"one:pay"}


@pytest.mark.parametrize(
    ("better", "worse"),
    list(pairwise(("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"))),
)
def test_health_is_ordered_as_argo_cd_orders_it(better: str, worse: str) -> None:
    """Of two states the one that Argo CD calls worse is shown."""
    world = World(app("one:a", label="web", health=worse), app("one:b", label="web", health=better))

    assert world.annotation("web", "healthStatus") == worse


def test_another_project_of_one_server_is_another_instance() -> None:
    """An instance that is gone is not taken for one of the same server with another project."""
    world = World(app("one:a"), instances=("one",))
    source = world.instances.pop("one")
    world.instances["shop"] = attrs.evolve(source, name="shop", project="shop")
    world.quiet()

    assert world.names == set()


def test_a_row_of_a_person_is_never_adopted() -> None:
    """A row that looks like one of the original plugin's, and is not, stays its author's."""
    world = World()
    mine = service(
        "pay",
        annotations={"argocd.io/appName": "pay", "argocd.io/syncStatus": "Synced"},
        tags=["argocd"],
        createdBy="ada",
    )
    world.rows[EntityKey("Service", "default", "pay")] = mine
    answers = [
        Answer(source=source, outcome=Outcome.COMPLETE) for source in world.instances.values()
    ]
    (change,) = correlate([mine], answers, adoption=Adoption.COMPLETE).changes

    assert change["action"] == "update"
    assert change["entity"] == service(
        "pay", annotations={"argocd.io/appName": "pay"}, tags=["argocd"], createdBy="ada"
    )


def test_blank_elements_are_no_links() -> None:
    """Blanks between the commas of a list are no links, and nothing is reported of them."""
    world = World(app("one:pay"))
    world.post(service("legacy", annotations={"argocd.io/appNames": " one:pay , ,, "}))

    assert world.placements() == {"one:pay": "legacy"}
    assert world.problems == ()


def test_an_empty_status_counts_as_unknown() -> None:
    """A provenance in which somebody emptied the status gives ``Unknown``, and settles."""
    world = World(app("one:pay"))
    row = world.rows[EntityKey("Service", "default", "pay")]["metadata"]["annotations"]
    row["argocd.io/provenance"] = row["argocd.io/provenance"].replace(
        '"sync":"Synced"', '"sync":""'
    )
    world.quiet()

    assert world.annotation("pay", "syncStatus") == "Unknown"


def test_an_ignored_app_is_not_missing() -> None:
    """Apps that ask to be left out go at once, however many they are."""
    world = World(*(app(f"one:{name}") for name in "abcd"))
    world.only(*(app(f"one:{name}", ignored=True) for name in "abcd"))
    world.sync()

    assert world.names == set()


@pytest.mark.parametrize("scope", [{"project": "shop"}, {"selector": "team=shop"}])
def test_what_leaves_by_configuration_is_not_guarded(scope: dict[str, str]) -> None:
    """A narrower project or selector takes the other apps out with the next complete answer."""
    world = World(*(app(f"one:{name}") for name in "abcde"))
    world.instances["one"] = attrs.evolve(world.instances["one"], **scope)
    world.quiet()
    assert len(world.names) == 5
    world.only(app("one:a"))
    world.sync()

    assert world.names == {"a"}


def test_a_wider_selector_is_guarded_again() -> None:
    """What was read under the present selector is guarded, also after a restart."""
    world = World()
    world.instances["one"] = attrs.evolve(world.instances["one"], selector="team=shop")
    world.set(*(app(f"one:{name}") for name in "abcde"))
    world.sync()
    world.restart()
    world.only(app("one:a"))
    world.sync()

    assert len(world.names) == 5


def test_a_copy_that_a_host_stored_unasked_brings_no_app_back() -> None:
    """A row that was copied behind our back knows of no apps, and is its author's."""
    world = World(app("one:pay"))
    copied = world.edit("pay")
    copied["metadata"]["name"] = "pay2"
    world.only()
    world.sync()
    world.restart()
    world.rows[EntityKey("Service", "default", "pay2")] = copied
    world.quiet()

    assert world.edit("pay2") == service("pay2")
    assert world.placements() == {}


def test_a_bare_body_that_somebody_wrote_makes_the_row_theirs() -> None:
    """A PUT written from scratch wants the Service to exist, though it says nothing of it."""
    world = World(app("one:pay"))
    world.put(service("pay"))
    world.only()
    world.sync()

    assert world.edit("pay") == service("pay")


def test_a_follower_confirms_no_loss() -> None:
    """A stream that reconnects and tells of few apps confirms nothing; a sync does."""
    world = World(*(app(f"one:{name}") for name in "abcde"))
    empty = Answer(
        source=world.instances["one"], outcome=Outcome.COMPLETE, apps=(app("one:a"),), by_sync=False
    )
    for _ in range(3):
        world.hear(empty)
    assert len(world.names) == 5

    world.hear(attrs.evolve(empty, by_sync=True))
    assert world.names == {"a"}


def test_two_of_three_apps_may_go_at_once() -> None:
    """A loss of fewer than three apps is believed, and one of half of them, too."""
    small = World(*(app(f"one:{name}") for name in "abc"))
    small.only(app("one:a"))
    small.sync()
    assert small.names == {"a"}

    half = World(*(app(f"one:{name}") for name in "abcdef"))
    half.only(*(app(f"one:{name}") for name in "abc"))
    half.sync()
    assert half.names == {"a", "b", "c"}


def test_held_back_apps_are_not_stale() -> None:
    """The instance answers, so nothing of it is marked as stale."""
    world = World(*(app(f"one:{name}") for name in "abcde"))
    world.down.add("one")
    world.sync()
    assert world.annotation("b", "staleSince") is not None
    world.down.clear()
    world.only(app("one:a"))
    world.sync()

    assert "b" in world.names
    assert world.annotation("b", "staleSince") is None


def test_the_same_name_at_another_address_is_another_instance() -> None:
    """An instance whose address changed starts with nothing."""
    world = World(app("one:a"))
    world.instances["one"] = attrs.evolve(world.instances["one"], origin="https://elsewhere")
    world.down.add("one")
    world.sync()

    assert world.names == set()


def test_the_owner_of_a_later_link_is_the_one_of_the_earlier_element() -> None:
    """The first app that a hand-written list places gives the details."""
    world = World()
    world.post(service("web", annotations={"argocd.io/appNames": "one:b,one:a"}))
    world.set(app("one:a", to="x"), app("one:b", to="y"))
    world.sync()

    assert world.annotation("web", "destNamespace") == "y"
    assert world.annotation("web", "appName") == "b"


def test_a_bare_name_in_a_list_does_not_cover_the_ref() -> None:
    """A list that says ``pay`` gets ``one:pay`` appended; one that is empty gets no comma."""
    world = World(app("one:pay"))
    world.post(service("legacy", annotations={"argocd.io/appNames": "pay"}))
    assert world.annotation("legacy", "appNames") == "pay,one:pay"

    other = World(app("one:pay"))
    other.post(service("pay2", annotations={"argocd.io/appNames": ""}))
    other.put(service("pay", annotations={"argocd.io/appNames": ""}))
    assert other.annotation("pay", "appNames") == "one:pay"


def test_the_first_entity_by_namespace_wins_equal_links() -> None:
    """Equal links are settled by namespace, then name."""
    world = World(app("one:pay"))
    world.post(service("aaa", namespace="other", annotations={"argocd.io/appName": "pay"}))
    world.post(service("zzz", annotations={"argocd.io/appName": "pay"}))

    assert world.placements() == {"one:pay": "zzz"}


def test_a_link_that_still_places_one_app_is_not_lost() -> None:
    """A bare link that lost one of its two apps is not reported."""
    world = World(app("one:pay"), app("two:pay"))
    world.post(service("legacy", annotations={"argocd.io/appName": "pay"}))
    world.post(service("billing", annotations={"argocd.io/appName": "one:pay"}))

    assert not any("legacy" in text for text in world.problems)


def test_an_upsert_never_takes_what_is_ours_for_what_is_there() -> None:
    """A neighbour fills what only we had filled, and what it says stays when our app goes."""
    world = World(app("one:pay", label="Pay_"))
    world.upsert(kubernetes("pay") | {"metadata": {"name": "pay", "title": "Payments"}})

    assert world.edit("pay")["metadata"]["title"] == "Payments"
    assert world.spec("pay")["type"] == "worker"


def test_a_neighbours_annotation_overwrites_and_its_spec_fills() -> None:
    """A neighbour's annotations overwrite what a person wrote, its spec does not, lists unite."""
    world = World()
    mine = {"type": "library", "deployedIn": [{"kind": "Environment", "name": "lab"}]}
    world.post(service("pay", annotations={"kubernetes.io/kind": "by hand"}, spec=mine))
    world.upsert(kubernetes("pay"))
    world.upsert(kubernetes("pay"))

    assert world.edit("pay")["metadata"]["annotations"]["kubernetes.io/kind"] == "Deployment"
    assert world.spec("pay")["type"] == "library"
    assert world.environments("pay") == ["lab", "prod"]


def test_a_new_argo_cd_namespace_moves_the_refs_at_once() -> None:
    """When it turns out where Argo CD lives, refs are written anew, without an answer."""
    world = World(app("one:team-a/pay"))
    world.instances["one"] = attrs.evolve(world.instances["one"], own_namespace="team-a")
    world.quiet()

    assert world.annotation("pay", "appNames") == "one:pay"


def test_an_app_in_no_entity_is_back_when_its_entity_is_repaired() -> None:
    """An app whose entity could not be written is known all the same."""
    world = World(app("one:pay"))
    key = EntityKey("Service", "default", "pay")
    healthy = copy.deepcopy(world.rows[key])
    world.rows[key]["metadata"]["annotations"] = None
    world.down.add("one")
    world.sync(after=timedelta(seconds=1))
    assert world.placements() == {}
    world.put(service("pay"))

    assert world.apps_in("pay") == {"one:pay"}
    assert world.spec("pay") == healthy["spec"]


@pytest.mark.parametrize(("seconds", "believed"), [(59, False), (60, True)])
def test_a_loss_is_believed_after_a_minute_and_not_before(seconds: int, believed: bool) -> None:
    """A second answer counts when it begins sixty seconds after the first, and no earlier."""
    world = World(*(app(f"one:{name}") for name in "abcde"))
    world.only(app("one:a"))
    world.sync()
    world.sync(after=timedelta(seconds=seconds))

    assert (world.names == {"a"}) is believed
