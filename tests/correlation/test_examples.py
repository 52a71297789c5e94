"""
The example table of the correlation rules, row by row.

Each test is named by its row in ``docs/correlation.md`` and says what a user gets.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from world import World, app, kubernetes, service

from gantry_argocd.correlation import Outcome
from gantry_argocd.refs import EntityKey

SERVER = "https://kubernetes.default.svc"


def test_01_a_lone_app_becomes_a_service_in_exactly_the_documented_form() -> None:
    """An app that nobody knows becomes the Service that the documentation shows."""
    world = World(app("one:pay"))

    assert world.bare("pay") == {
        "apiVersion": "gantry.io/v1",
        "kind": "Service",
        "metadata": {
            "name": "pay",
            "annotations": {
                "argocd.io/appName": "pay",
                "argocd.io/appNames": "one:pay",
                "argocd.io/namespace": "argocd",
                "argocd.io/syncStatus": "Synced",
                "argocd.io/healthStatus": "Healthy",
                "argocd.io/repoURL": "https://github.com/acme/pay",
                "argocd.io/project": "default",
                "argocd.io/destNamespace": "prod",
                "argocd.io/destServer": SERVER,
                "argocd.io/apps": "one:pay=Synced/Healthy",
            },
        },
        "spec": {
            "lifecycle": "production",
            "type": "backend",
            "repoUrl": "https://github.com/acme/pay",
            "deployedIn": [{"kind": "Environment", "name": "prod"}],
        },
    }


def test_02_a_shared_label_makes_one_service() -> None:
    """Apps of several instances that share the label are one Service."""
    world = World(app("two:b", label="web"), app("one:a", label="web"))

    assert world.names == {"web"}
    assert world.annotation("web", "appNames") == "one:a,two:b"


def test_03_the_same_name_everywhere_makes_one_service() -> None:
    """Apps of one name on two instances and in two namespaces are one Service."""
    world = World(app("one:web"), app("one:team-a/web"), app("two:web"))

    assert world.names == {"web"}
    assert world.annotation("web", "appNames") == "one:web,one:team-a/web,two:web"


def test_04_a_label_is_made_a_valid_name() -> None:
    """A label that Gantry does not accept is cleaned, and the title keeps it."""
    world = World(app("one:m", label="Mail_Svc"))

    assert world.names == {"mail-svc"}
    assert world.edit("mail-svc")["metadata"]["title"] == "Mail_Svc"


def test_05_a_cleaned_name_merges_with_what_is_there() -> None:
    """An existing Service of the cleaned name is no collision."""
    world = World()
    world.upsert(kubernetes("mail-svc"))
    world.set(app("one:m", label="Mail_Svc"))
    world.sync()

    assert world.names == {"mail-svc"}
    assert world.spec("mail-svc")["type"] == "worker"


def test_06_a_linked_app_does_not_collide_in_naming() -> None:
    """Only names that are used collide."""
    world = World()
    world.post(service("legacy", annotations={"argocd.io/appName": "a"}))
    world.set(app("one:a", label="Pay"), app("one:b", label="PAY"))
    world.sync()

    assert world.placements() == {"one:a": "legacy", "one:b": "pay"}


def test_07_names_that_would_meet_are_kept_apart() -> None:
    """Three labels that become one name stay three Services, and that is reported."""
    world = World(app("one:a", label="Pay"), app("one:b", label="PAY"), app("one:c", label="pay"))

    assert world.placements() == {"one:a": "pay-723afa", "one:b": "pay-481359", "one:c": "pay"}
    assert len([text for text in world.problems if "pay-" in text]) == 2


def test_08_a_name_returns_when_the_collision_ends() -> None:
    """When the other names are gone the plain name is used again."""
    world = World(app("one:a", label="Pay"), app("one:b", label="PAY"), app("one:c", label="pay"))
    world.only(app("one:a", label="Pay"))
    world.sync()

    assert world.placements() == {"one:a": "pay"}
    assert world.names == {"pay"}


def test_09_a_long_label_is_cut_and_kept_distinct() -> None:
    """A label that is too long for Gantry is cut and gets six digits of its hash."""
    world = World(app("one:a", label="x" * 300))

    (name,) = world.names
    assert len(name) == 253
    assert name.startswith("x" * 246 + "-")


def test_10_a_label_with_nothing_usable_counts_as_not_set() -> None:
    """A label of an emoji leaves the app its own name."""
    assert World(app("one:pay", label="🎉")).names == {"pay"}


def test_11_an_app_merges_into_what_kubernetes_made() -> None:
    """A Service of the Kubernetes plugin keeps what it says, and gets Argo CD's part."""
    world = World()
    world.upsert(kubernetes("pay"))
    world.set(app("one:pay"))
    world.sync()

    assert world.names == {"pay"}
    assert world.spec("pay")["type"] == "worker"
    assert world.environments("pay") == ["prod"]
    assert world.edit("pay")["metadata"]["annotations"]["kubernetes.io/kind"] == "Deployment"
    assert world.annotation("pay", "syncStatus") == "Synced"


def test_12_what_kubernetes_made_is_left_as_it_was() -> None:
    """When the app goes, the Service is what Kubernetes made, byte for byte."""
    world = World()
    world.upsert(kubernetes("pay"))
    world.set(app("one:pay"))
    world.sync()
    world.only()
    world.sync()

    assert world.edit("pay") == kubernetes("pay")


def test_13_the_order_of_plugins_does_not_matter() -> None:
    """Whoever comes first, Argo CD or Kubernetes, the Service is the same."""
    first = World(app("one:pay"))
    first.upsert(kubernetes("pay"))
    second = World()
    second.upsert(kubernetes("pay"))
    second.set(app("one:pay"))
    second.sync()

    assert first.bare("pay")["spec"] == second.bare("pay")["spec"]
    assert first.bare("pay")["metadata"] == second.bare("pay")["metadata"]
    assert first.spec("pay")["type"] == "worker"


def test_14_a_neighbours_part_stays() -> None:
    """What Kubernetes claims as well stays when the app goes, the environment included."""
    world = World(app("one:pay"))
    world.upsert(kubernetes("pay"))
    world.only()
    world.sync()

    assert world.environments("pay") == ["prod"]
    assert world.foreign("pay") == kubernetes("pay")


def test_15_an_equal_value_that_a_neighbour_claims_is_the_neighbours() -> None:
    """A repoUrl that another plugin says too stays when the app goes."""
    world = World(app("one:pay"))
    world.upsert(service("pay", spec={"repoUrl": "https://github.com/acme/pay"}))
    world.only()
    world.sync()

    assert world.edit("pay")["spec"] == {"repoUrl": "https://github.com/acme/pay"}


def test_16_a_service_that_is_ours_alone_again_goes_with_its_app() -> None:
    """When a neighbour takes back all it gave, the Service is ours alone again."""
    world = World(app("one:pay"))
    world.upsert(kubernetes("pay"))
    world.take_back("pay")

    assert world.annotation("pay", "syncStatus") == "Synced"
    world.only()
    world.sync()
    assert world.names == set()


@pytest.mark.parametrize("write", ["put", "upsert"])
def test_17_18_enrichment_makes_nothing_its_own(write: str) -> None:
    """A GitHub plugin that writes back the whole entity has not adopted our values."""
    world = World(app("one:pay"))
    enriched = world.edit("pay")
    enriched["metadata"]["annotations"]["github.com/owner"] = "acme"
    getattr(world, write)(enriched)
    world.set(app("one:pay", sync="OutOfSync"))
    world.sync()

    assert world.annotation("pay", "syncStatus") == "OutOfSync"
    assert world.edit("pay")["metadata"]["annotations"]["github.com/owner"] == "acme"
    world.only()
    world.sync()
    assert world.names == set()


def test_19_a_bare_entity_of_a_person_survives() -> None:
    """An empty Service that a person made is the same after an app came and went."""
    world = World()
    world.post(service("pay"))
    world.set(app("one:pay"))
    world.sync()
    world.only()
    world.sync()

    assert world.edit("pay") == service("pay")


def test_20_writing_back_what_was_read_changes_nothing() -> None:
    """A PUT of what was read claims nothing: the Service goes with its app."""
    world = World(app("one:pay"))
    before = world.edit("pay")
    world.put(before)

    assert world.edit("pay") == before
    world.only()
    world.sync()
    assert world.names == set()


def test_21_a_persons_addition_stays_alone() -> None:
    """When the app goes only what the person added is left."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["annotations"]["acme/x"] = "1"
    world.put(body)
    world.only()
    world.sync()

    assert world.edit("pay") == service("pay", annotations={"acme/x": "1"})


def test_22_an_empty_link_is_no_link_and_is_kept() -> None:
    """An appName that a person emptied stays empty, and the app stays by its name."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["annotations"]["argocd.io/appName"] = ""
    world.put(body)

    assert world.annotation("pay", "appName") == ""
    assert world.apps_in("pay") == {"one:pay"}


def test_23_what_was_once_authored_stays() -> None:
    """Taking away again what one added does not make the Service ours again."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["annotations"]["acme/x"] = "1"
    world.put(body)
    body = world.edit("pay")
    del body["metadata"]["annotations"]["acme/x"]
    world.put(body)
    world.only()
    world.sync()

    assert world.edit("pay") == service("pay")


def test_24_a_value_changed_after_us_is_theirs_and_a_removed_one_comes_back() -> None:
    """A changed type belongs to the person; a removed lifecycle is filled again."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["spec"]["type"] = "library"
    del body["spec"]["lifecycle"]
    world.put(body)

    assert world.spec("pay")["type"] == "library"
    assert world.spec("pay")["lifecycle"] == "production"
    world.only()
    world.sync()
    assert world.edit("pay")["spec"] == {"type": "library"}


def test_25_status_keys_are_always_ours() -> None:
    """A sync status that a person writes is overwritten."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["annotations"]["argocd.io/syncStatus"] = "Perfect"
    world.put(body)

    assert world.annotation("pay", "syncStatus") == "Synced"


def test_26_an_old_copy_brings_only_what_it_adds() -> None:
    """A PUT of an outdated copy keeps the addition and today's status."""
    world = World(app("one:pay"))
    old = world.edit("pay")
    world.set(app("one:pay", sync="OutOfSync"))
    world.sync()
    old["metadata"]["annotations"]["acme/x"] = "1"
    world.put(old)

    assert world.annotation("pay", "syncStatus") == "OutOfSync"
    assert world.edit("pay")["metadata"]["annotations"]["acme/x"] == "1"


def test_27_an_authored_body_owns_equal_values() -> None:
    """A body written from scratch links the app, though its value equals ours."""
    world = World(app("one:pay"))
    world.put(service("pay", annotations={"argocd.io/appName": "pay"}, spec={"type": "backend"}))
    world.set(app("one:pay", label="web"))
    world.sync()

    assert world.placements() == {"one:pay": "pay"}


def test_28_an_echo_of_our_value_is_no_link() -> None:
    """Typing the same text over our value in what was read claims nothing."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["annotations"]["argocd.io/appName"] = "pay"
    world.put(body)
    world.set(app("one:pay", label="web"))
    world.sync()

    assert world.placements() == {"one:pay": "web"}
    assert world.names == {"web"}


def test_29_another_text_is_a_link() -> None:
    """Typing a more exact name over our value links the app."""
    world = World(app("one:pay"))
    body = world.edit("pay")
    body["metadata"]["annotations"]["argocd.io/appName"] = "one:pay"
    world.put(body)
    world.set(app("one:pay", label="web"))
    world.sync()

    assert world.placements() == {"one:pay": "pay"}


def test_30_our_part_comes_back_after_a_delete() -> None:
    """A Service that a person deletes is back while its app is there."""
    world = World(app("one:pay"))
    before = world.edit("pay")
    world.delete("pay")

    assert world.bare("pay")["metadata"]["annotations"].items() >= {
        ("argocd.io/appName", "pay"),
        ("argocd.io/syncStatus", "Synced"),
    }
    assert world.bare("pay")["spec"] == before["spec"]
    world.only()
    world.sync()
    assert world.names == set()


def test_31_an_export_under_another_name_takes_no_app_along() -> None:
    """A copy POSTed under another name is bare; the app stays where it is."""
    world = World(app("one:pay"))
    copy = world.edit("pay")
    copy["metadata"]["name"] = "pay2"
    world.post(copy)

    assert world.edit("pay2") == service("pay2")
    assert world.placements() == {"one:pay": "pay"}


def test_32_33_a_hand_link_wins_over_the_name() -> None:
    """A linked app makes no second entity; without the link it gets its own."""
    world = World()
    world.post(service("legacy", annotations={"argocd.io/appName": "pay"}))
    world.set(app("one:pay"))
    world.sync()

    assert world.names == {"legacy"}
    assert world.annotation("legacy", "appNames") == "one:pay"

    body = world.edit("legacy")
    del body["metadata"]["annotations"]["argocd.io/appName"]
    world.put(body)
    assert world.edit("legacy") == service("legacy")
    assert world.placements() == {"one:pay": "pay"}


def test_34_35_a_more_exact_link_wins_its_app() -> None:
    """A bare link takes the app of every instance, until another names one exactly."""
    world = World(app("one:pay"), app("two:pay"))
    world.post(service("legacy", annotations={"argocd.io/appName": "pay"}))
    assert world.apps_in("legacy") == {"one:pay", "two:pay"}

    world.post(service("billing", annotations={"argocd.io/appName": "one:pay"}))
    assert world.placements() == {"one:pay": "billing", "two:pay": "legacy"}
    assert world.names == {"legacy", "billing"}


def test_36_an_instance_link_means_argo_cds_own_namespace() -> None:
    """``one:pay`` is the app in Argo CD's own namespace when there are two."""
    world = World(app("one:pay"), app("one:aaa/pay"))
    world.post(service("legacy", annotations={"argocd.io/appName": "one:pay"}))

    assert world.placements() == {"one:pay": "legacy", "one:aaa/pay": "pay"}


def test_37_an_instance_link_means_the_only_app_of_that_name() -> None:
    """``one:pay`` is the app in another namespace when it is the only one."""
    world = World(app("one:team-a/pay"))
    world.post(service("legacy", annotations={"argocd.io/appName": "one:pay"}))

    assert world.placements() == {"one:team-a/pay": "legacy"}


def test_38_two_equal_links_are_settled_by_name_and_reported() -> None:
    """Two entities that link one app equally: the first by name has it, the other is reported."""
    world = World(app("one:pay"))
    for name in ("legacy", "billing"):
        world.post(service(name, annotations={"argocd.io/appName": "one:pay"}))

    assert world.placements() == {"one:pay": "billing"}
    assert any("legacy" in text and "billing" in text for text in world.problems)


def test_39_links_may_cross() -> None:
    """Two entities whose links name each other's app change places."""
    world = World(app("one:pay"), app("one:web"))
    world.put(service("pay", annotations={"argocd.io/appName": "web"}))
    world.put(service("web", annotations={"argocd.io/appName": "pay"}))

    assert world.placements() == {"one:pay": "web", "one:web": "pay"}


def test_40_a_link_takes_one_app_out_of_a_group() -> None:
    """A link to one app of a group leaves the others."""
    world = World(app("one:a", label="web"), app("one:b", label="web"))
    world.post(service("legacy", annotations={"argocd.io/appName": "a"}))

    assert world.placements() == {"one:a": "legacy", "one:b": "web"}


def test_41_refs_are_appended_to_a_hand_written_list_and_taken_away_again() -> None:
    """A hand-written list is only appended to, and gets its own text back."""
    world = World(app("one:cart"))
    world.post(service("shop", annotations={"argocd.io/appNames": "one:cart"}))
    world.set(app("one:pay", label="shop"))
    world.sync()
    assert world.annotation("shop", "appNames") == "one:cart,one:pay"

    world.only(app("one:cart"))
    world.sync()
    assert world.annotation("shop", "appNames") == "one:cart"


def test_42_only_services_link_in_any_namespace() -> None:
    """A Service of any namespace can link; other kinds are not looked at."""
    world = World(app("one:pay"))
    world.post(service("x", kind="API", annotations={"argocd.io/appName": "pay"}))
    world.post(service("legacy", namespace="other", annotations={"argocd.io/appName": "pay"}))

    assert world.placements() == {"one:pay": "other/legacy"}


def test_43_naming_means_the_default_namespace() -> None:
    """A Service of that name in another namespace is another Service."""
    world = World()
    world.post(service("pay", namespace="other"))
    world.set(app("one:pay"))
    world.sync()

    assert world.placements() == {"one:pay": "pay"}
    assert world.edit("pay", "other") == service("pay", namespace="other")


GROUP = (
    app("one:a", label="web", health="Degraded", repo="https://charts.example", to="x"),
    app("one:b", label="web", sync="OutOfSync", health="Odd", to="y"),
)


def test_44_the_roll_up_is_the_worst_and_the_details_are_the_primary_apps() -> None:
    """The worst status is shown, the repository that a person can open, every environment."""
    world = World(*GROUP)

    assert world.annotation("web", "appName") == "a"
    assert world.annotation("web", "syncStatus") == "OutOfSync"
    assert world.annotation("web", "healthStatus") == "Odd"
    assert world.annotation("web", "repoURL") == "https://charts.example"
    assert world.spec("web")["repoUrl"] == "https://github.com/acme/b"
    assert world.environments("web") == ["x", "y"]
    assert world.annotation("web", "apps") == "one:a=Synced/Degraded,one:b=OutOfSync/Odd"


def test_45_a_hand_written_name_makes_its_app_primary() -> None:
    """The app that the entity's own link names gives the details."""
    world = World()
    world.post(service("web", annotations={"argocd.io/appName": "b"}))
    world.set(*GROUP)
    world.sync()

    assert world.annotation("web", "destNamespace") == "y"
    assert world.apps_in("web") == {"one:a", "one:b"}


def test_46_a_silent_instance_keeps_its_apps_marked_stale() -> None:
    """Apps of an instance that is down stay, marked, also over a restart."""
    world = World(app("one:a", label="web", sync="OutOfSync"), app("two:b", label="web"))
    world.down.add("two")
    world.sync()
    world.restart()
    world.set(app("one:a", label="web"))
    world.sync()

    assert world.apps_in("web") == {"one:a", "two:b"}
    assert world.annotation("web", "syncStatus") == "Synced"
    assert world.annotation("web", "staleSince") == "2026-01-01T00:02:00Z"

    world.down.clear()
    world.sync()
    assert world.annotation("web", "staleSince") is None


def test_47_a_partial_answer_removes_nothing() -> None:
    """A list that could not be read in full only adds and updates."""
    world = World(app("one:a"), app("one:b"), app("one:c"))
    world.only(app("one:a", sync="OutOfSync"))
    world.sync(outcomes={"one": Outcome.PARTIAL})

    assert world.names == {"a", "b", "c"}
    assert world.annotation("a", "syncStatus") == "OutOfSync"


def test_48_a_sudden_loss_is_held_back_until_it_is_confirmed() -> None:
    """An answer without most apps is believed only when a later one says the same."""
    world = World(*(app(f"one:{name}") for name in "abcde"))
    world.only(app("one:a"))
    world.sync()
    assert world.names == {"a", "b", "c", "d", "e"}
    assert any("missing" in text for text in world.problems)

    world.sync(after=timedelta(seconds=30))
    assert len(world.names) == 5
    world.sync(after=timedelta(seconds=30))
    assert world.names == {"a"}


def test_48_a_person_can_confirm_a_loss() -> None:
    """A loss that a person confirms is believed at once."""
    world = World(*(app(f"one:{name}") for name in "abcde"))
    world.only(app("one:a"))
    world.sync(confirm=("one",))

    assert world.names == {"a"}


def test_48_a_loss_that_looks_different_the_second_time_starts_anew() -> None:
    """When some of the missing apps came back, the minute begins again."""
    world = World(*(app(f"one:{name}") for name in "abcdefg"))
    world.only(app("one:a"))
    world.sync()
    world.only(app("one:a"), app("one:b"))
    world.sync()
    assert len(world.names) == 7

    world.sync()
    assert world.names == {"a", "b"}


@pytest.mark.parametrize("restart", [True, False])
def test_49_a_renamed_instance_is_understood(restart: bool) -> None:
    """An instance that got another name keeps its apps; a link with the old name is reported."""
    world = World(app("one:pay"), app("one:web"))
    world.post(service("legacy", annotations={"argocd.io/appName": "one:web"}))
    if restart:
        world.restart()
    world.rename_instance("one", "prod")
    world.down.add("prod")
    world.sync()

    assert world.placements() == {"prod:pay": "pay", "prod:web": "web"}
    assert any("'one:web'" in text for text in world.problems)


def test_50_a_removed_instance_retires_its_apps_at_once() -> None:
    """Apps of an instance that left the configuration go, though it cannot be asked."""
    world = World(app("one:a"), app("two:b"))
    del world.instances["two"]
    world.sync()

    assert world.names == {"a"}


def test_51_damaged_provenance_means_theirs() -> None:
    """What cannot be read is taken for somebody's: the app stays as a link, the status goes on."""
    world = World(app("one:pay"))
    key = EntityKey("Service", "default", "pay")
    world.rows[key]["metadata"]["annotations"]["argocd.io/provenance"] = '{"v":99}'
    world.set(app("one:pay", label="web", sync="OutOfSync"))
    world.sync()

    assert world.placements() == {"one:pay": "pay"}
    assert world.annotation("pay", "syncStatus") == "OutOfSync"


@pytest.mark.parametrize("annotations", [None, "text", ["a"], 7])
def test_52_annotations_of_a_wrong_type_are_left_alone(annotations: Any) -> None:
    """An entity whose annotations are no mapping is not touched, and that is reported."""
    world = World()
    broken = service("pay")
    broken["metadata"]["annotations"] = annotations
    world.rows[EntityKey("Service", "default", "pay")] = broken
    world.set(app("one:pay"))
    world.sync()

    assert world.edit("pay") == broken
    assert any("one:pay" in text for text in world.problems)


def test_53_a_field_of_a_wrong_type_is_left_alone() -> None:
    """A ``deployedIn`` that is a text stays; the rest is written."""
    world = World()
    world.post(service("pay", spec={"deployedIn": "prod"}))
    world.set(app("one:pay"))
    world.sync()

    assert world.spec("pay")["deployedIn"] == "prod"
    assert world.spec("pay")["type"] == "backend"


def test_54_duplicates_of_others_are_left_alone() -> None:
    """A tag that a person wrote twice stays twice."""
    world = World()
    world.post(service("pay", tags=["a", "a"]))
    world.set(app("one:pay"))
    world.sync()

    assert world.edit("pay")["metadata"]["tags"] == ["a", "a"]


def test_08_rule_an_app_can_ask_to_be_left_out() -> None:
    """An app that opts out leaves the catalogue at once, also in a partial answer."""
    world = World(app("one:a"), app("one:b"))
    world.event(app("one:a", ignored=True))

    assert world.names == {"b"}


def test_16_rule_events_confirm_a_loss() -> None:
    """Apps that the stream said were deleted go one by one, without the guard."""
    world = World(*(app(f"one:{name}") for name in "abcd"))
    for name in "abcd":
        world.event(app(f"one:{name}"), deleted=True)

    assert world.names == set()
