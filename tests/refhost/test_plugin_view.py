"""What a plugin says of itself, as its page shows it."""

from __future__ import annotations

from gantry_argocd.refhost.plugin_view import facts, table


def test_a_table_has_the_columns_in_which_something_is() -> None:
    """An empty column is no column; what only some rows have is a dash in the others."""
    rows = [{"name": "one", "error": None, "tags": []}, {"name": "two", "error": "down"}]
    assert table(rows) == (["Name", "Error"], [["one", "—"], ["two", "down"]])


def test_of_a_thing_inside_a_row_its_state_is_shown() -> None:
    """Whether an instance is followed is seen at a glance, with the reason when it is not."""
    rows = [
        {"name": "one", "stream": {"state": "live", "error": None, "lagMs": 3}},
        {"name": "two", "stream": {"state": "polling", "error": "two: answered 404"}},
    ]
    assert table(rows)[1] == [["one", "live"], ["two", "polling: two: answered 404"]]


def test_whole_seconds_are_whole() -> None:
    """People read 30 seconds, not 30.0; what has a part after the point keeps it."""
    status = {"syncIntervalSeconds": 30.0, "lag": 0.5, "longest": float("inf")}
    assert facts(status) == [
        ("Sync interval seconds", "30"),
        ("Lag", "0.5"),
        ("Longest", "inf"),
    ]


def test_what_is_no_table_is_none() -> None:
    """A plugin that says nonsense of itself breaks no page."""
    assert table(None) == ([], [])
    assert table(["text", {"name": {"other": 1}}]) == ([], [[]])
