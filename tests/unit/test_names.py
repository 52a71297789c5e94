"""Refs, repository addresses, durations and the orders of states: small tables, read as such."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantry_argocd.durations import parse_duration
from gantry_argocd.refs import AppKey, Wanted, parse_list, parse_wanted
from gantry_argocd.repositories import clean, redact, shorten, web_address, without_credentials
from gantry_argocd.status import worst_health, worst_sync


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pay", Wanted(None, None, "pay")),
        (" pay ", Wanted(None, None, "pay")),
        ("one:pay", Wanted("one", None, "pay")),
        ("one:team-a/pay", Wanted("one", "team-a", "pay")),
        ("", None),
        (":pay", None),
        ("one:", None),
        ("one:/pay", None),
        ("team-a/pay", None),
        ("a:b:c", None),
        ("one:a/b/c", None),
    ],
)
def test_a_name_of_an_app_has_three_forms(text: str, wanted: Wanted | None) -> None:
    """A person may write a name, with an instance, and with a namespace; nothing else."""
    assert parse_wanted(text) == wanted


def test_a_ref_tells_the_namespace_only_where_it_is_not_argo_cds_own() -> None:
    """defect-G8: Twins in two namespaces have two refs."""
    assert AppKey("one", "argocd", "pay").ref("argocd") == "one:pay"
    assert AppKey("one", "team-a", "pay").ref("argocd") == "one:team-a/pay"


def test_a_list_is_read_as_people_write_it() -> None:
    """Blanks and empty elements in a list of names do not matter."""
    assert parse_list(" a, ,b,") == ("a", "b")


@pytest.mark.parametrize(
    ("address", "web", "shown"),
    [
        ("https://github.com/acme/pay", "https://github.com/acme/pay", None),
        ("https://github.com/acme/pay.git", "https://github.com/acme/pay", None),
        ("https://github.com/acme/pay.git/", "https://github.com/acme/pay", None),
        ("git@github.com:acme/pay.git", "https://github.com/acme/pay", None),
        ("ssh://git@git.example.com:2222/acme/pay.git", "https://git.example.com/acme/pay", None),
        ("https://git.example.com:8443/a/b.git", "https://git.example.com:8443/a/b", None),
        ("http://git.example.com/a/b", "http://git.example.com/a/b", None),
        (
            "HTTPS://Git.Example.com/A/b",
            "https://git.example.com/A/b",
            "https://git.example.com/A/b",
        ),
        ("https://u:secret@h/a", "https://h/a", "https://h/a"),
        ("https://secret@h/a", "https://h/a", "https://h/a"),
        ("https://u:p@ss@h/a", "https://h/a", "https://h/a"),
        ("https://h/a?private_token=secret#x", "https://h/a", "https://h/a"),
        ("ssh://git:secret@h/a", "https://h/a", "ssh://git@h/a"),
        ("u:secret@h:a/b", "https://h/a/b", "u@h:a/b"),
        ("https://u:se/cret@h/a", None, ""),
        ("https://h/x;token=secret", "https://h/x", "https://h/x"),
        ("https://h/x,https://u:secret@h2/y", None, ""),
        ("oci://registry.example.com/x", None, None),
        ("registry-1.docker.io/bitnamicharts", None, None),
        ("u:secret@registry/x", None, "registry/x"),
        ("https://h/a b", None, ""),
        ("/srv/git/a", None, None),
        ("", None, None),
    ],
)
def test_repository_addresses_lose_credentials_and_become_web_addresses(
    address: str, web: str | None, shown: str | None
) -> None:
    """Any form of a Git address leads to its page; no credential is ever left in it."""
    assert web_address(address) == web
    assert without_credentials(address) == (address if shown is None else shown)


@given(st.text(alphabet="ab:/@?#[]%.-~ \n1", max_size=40))
def test_no_address_makes_the_reader_fail(text: str) -> None:
    """Whatever a tenant writes as a repository is read without a failure, and stays stable."""
    cleaned = without_credentials(text)

    assert without_credentials(cleaned) == cleaned
    assert (web_address(text) or "https://").startswith(("https://", "http://"))


@given(
    scheme=st.sampled_from(["https", "http", "ssh"]),
    secret=st.text(alphabet="xyzXYZ0123456789!$&'()*+,;=~.-", min_size=6, max_size=12),
)
def test_a_password_in_an_address_is_gone(scheme: str, secret: str) -> None:
    """A password before the host name never survives."""
    address = f"{scheme}://user:{secret}@host/path"

    assert f":{secret}@" not in without_credentials(address)
    assert secret not in redact(f"cannot clone {address}: denied")


def test_a_text_of_argo_cds_is_one_short_clean_line() -> None:
    """Tokens and addresses with credentials disappear from texts that are shown."""
    text = (
        "rpc error:\n https://x:canary@h/r Bearer canary-token-123 eyJhbGciOiJI.eyJzdWIiOiJh.canary"
    )

    assert "canary" not in shorten(text)
    assert "\n" not in shorten(text)
    assert len(shorten("x" * 1000)) == 300


@pytest.mark.parametrize(
    "text",
    [
        "https://user:ca/nary@git.example/x.git",
        "https://git/x.git?access_token=canary",
        "fatal: user:canary@git.example.com:x/y.git",
        "see //u:canary@h/x",
        "Authorization: token canary",
        "PRIVATE-TOKEN: canary1234",
        "ghp_canary1234567890",
        "token=canary",
        "password: canary",
    ],
)
def test_credentials_in_free_texts_are_hidden(text: str) -> None:
    """Whatever form a credential has in a message of Argo CD's, it is not shown."""
    assert "nary" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Deployment web: ImagePullBackOff for registry.example.com/web:1.2.3",
        "one or more objects failed to apply, reason: field is immutable",
        "mail ops@example.com about https://wiki.example.com/runbook",
        "secret not found",
    ],
)
def test_texts_without_credentials_stay(text: str) -> None:
    """An ordinary message is shown as it is."""
    assert redact(text) == text


@pytest.mark.parametrize(
    "part",
    [
        *("/", "//@", "http://", "http://a:b@", "http://a?", "a:", "a-.", "a-.:", "a:b@", "@", "?"),
        *("-eyJaaaaaaaa", "-eyJaaaaaaaa.bbbbbbbb", "bearer ", "authorization:", "token=", "key "),
        *("permission denied ", "ghp_", "private-", " "),
    ],
)
def test_a_hostile_text_is_cleaned_in_no_time(part: str) -> None:
    """A message that consists of beginnings of credentials holds nobody else up."""
    text = part * (300_000 // len(part))
    began = time.process_time()
    redact(text)

    assert time.process_time() - began < 3


@pytest.mark.parametrize("blanks", [0, 1])
def test_a_message_is_cut_before_half_a_credential(blanks: int) -> None:
    """Of a message without end its beginning is shown, and no address without its end."""
    text = "x" * 32_730 + " " * blanks + " https://user:canary-of-somebody@h/"

    assert "canary" not in clean(text + "z" * 40_000)
    assert clean(text + "z" * 40_000).endswith("…")
    assert clean("y" * 50_000).strip().startswith("yyy")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1.5h", 5400), ("0", 0), ("100ms", 0.1)],
)
def test_go_durations_are_understood(text: str, seconds: float) -> None:
    """A duration means what it means to Go."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "1d", "-5m", "5 m", "m", "1h30", "٥m", "5m" * 60])
def test_what_go_refuses_is_refused(text: str) -> None:
    """A text that Go would not read is no duration."""
    with pytest.raises(ValueError, match="a duration such as"):
        parse_duration(text)


def test_the_worst_state_is_told() -> None:
    """One bad app is not hidden by good ones; a word nobody knows counts as Unknown."""
    assert worst_sync(["Synced", "OutOfSync"]) == "OutOfSync"
    assert worst_sync(["OutOfSync", ""]) == "Unknown"
    assert worst_health(["Healthy", "Degraded", "Missing"]) == "Degraded"
    assert worst_health(["Degraded", "Odd"]) == "Odd"
    assert worst_health(["Unknown", "Odd"]) == "Odd"
    assert worst_health([]) == "Unknown"


WORDS = st.sampled_from(["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Odd", ""])


@given(st.lists(WORDS), st.lists(WORDS), st.lists(WORDS))
def test_the_roll_up_is_a_semilattice(a: list[str], b: list[str], c: list[str]) -> None:
    """Order, repetition and grouping of apps do not change the worst state."""
    worst = worst_health

    assert worst(a + b) == worst(b + a)
    assert worst(a + a) == worst(a)
    if a and b and c:
        assert worst([worst([*a, *b]), *c]) == worst([*a, worst([*b, *c])])
