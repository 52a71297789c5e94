"""The words, times and links that the views are made of, as tables of examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantry_argocd import view
from gantry_argocd.models import Resource, Source
from gantry_argocd.refs import AppKey
from gantry_argocd.view import links, text, times

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
SHA = "3f0e9a17c2d45b8890ab4cd1e27f65a90b13c8d2"


# --- times -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (-3600, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1m ago"),
        (3599, "59m ago"),
        (3600, "1h ago"),
        (86399, "23h ago"),
        (86400, "Nov 23, 18:27"),
        (400 * 86400, "Oct 20, 18:27"),
    ],
)
def test_a_time_is_relative_for_a_day(before: int, words: str) -> None:
    """A time reads as people say it, and is never in the future."""
    found = times.moment(NOW - timedelta(seconds=before), NOW)

    assert found is not None
    assert found.words == words


def test_a_time_is_absolute_as_well() -> None:
    """The whole time is in the tooltip and for programs, in UTC whatever zone it came in."""
    found = times.moment(datetime.fromisoformat("2026-11-24T19:00:00+02:00"), NOW)

    assert found == view.Moment(
        words="1h ago", iso="2026-11-24T17:00:00Z", title="24 Nov 2026, 17:00:00 UTC"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (42, "42 s"),
        (115, "1 min 55 s"),
        (120, "2 min"),
        (725, "12 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_duration_is_in_words(seconds: int, words: str) -> None:
    """A duration is as exact as its size deserves, and never negative."""
    assert times.duration(NOW, NOW + timedelta(seconds=seconds)) == words


@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_any_time_has_words(when: datetime) -> None:
    """No time that Python knows is too odd to be shown."""
    try:
        when.astimezone(UTC)
    except OverflowError:
        return
    found = times.moment(when, NOW)

    assert found is not None
    assert len(found.iso) == 20


# --- text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        (" two\n lines\t", "two lines"),
        ("abc\u202egnp.exe\u2066", "abcgnp.exe"),
        ("\x1b[31mred\x00", "[31mred"),
        ("a\ud800b", "a\ufffdb"),
        ("😀", "😀"),
        (None, ""),
        (["x"], ""),
    ],
)
def test_a_line_hides_nothing(written: object, shown: str) -> None:
    """Control characters and direction overrides go; what can be read stays."""
    assert text.line(written) == shown


def test_a_long_message_is_folded() -> None:
    """A message of 12 kB is short at first, and the whole of it is bounded."""
    found = text.message("x" * 12_000)

    assert len(found.text) <= text.BLOCK
    assert len(found.whole) == text.WHOLE
    assert text.message("short") == view.Message(text="short")


# --- links -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//example.com/x",
        "/relative",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:pw@example.com/",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com\\@evil.example/",
        "https://example.com/\u202egnp",
        "https://example.com:port/",
        "https://[broken/",
        "ftp://example.com/",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_what_is_unsafe_is_no_link(url: str | None) -> None:
    """Only an absolute http(s) address with a host and without user info is followed."""
    assert links.safe(url) == ""


@pytest.mark.parametrize(
    ("web_url", "commit"),
    [
        ("https://github.com/acme/api", "https://github.com/acme/api/commit/"),
        ("https://github.acme.com/acme/api", "https://github.acme.com/acme/api/commit/"),
        ("https://gitlab.com/acme/api", "https://gitlab.com/acme/api/-/commit/"),
        ("https://bitbucket.org/acme/api", "https://bitbucket.org/acme/api/commits/"),
        (
            "https://bitbucket.acme.com/scm/pay/api",
            "https://bitbucket.acme.com/projects/pay/repos/api/commits/",
        ),
        ("https://gitea.acme.com/acme/api", "https://gitea.acme.com/acme/api/commit/"),
        ("https://codeberg.org/acme/api", "https://codeberg.org/acme/api/commit/"),
        (
            "https://dev.azure.com/acme/pay/_git/api",
            "https://dev.azure.com/acme/pay/_git/api/commit/",
        ),
        (
            "https://ssh.dev.azure.com/v3/acme/pay/api",
            "https://dev.azure.com/acme/pay/_git/api/commit/",
        ),
        ("https://git.acme.com/acme/api", ""),
        ("javascript:alert(1)//github.com", ""),
        (None, ""),
    ],
)
def test_a_commit_is_linked_in_the_forms_of_known_forges(web_url: str | None, commit: str) -> None:
    """A revision leads to its commit where the form of the address is known, else nowhere."""
    found = links.revision(SHA, Source(web_url=web_url))

    assert found == view.Link(text=SHA[:8], url=commit and commit + SHA, title=SHA)


@pytest.mark.parametrize(
    ("revision", "shown"),
    [
        ("main", "main"),
        ("1.8.2", "1.8.2"),
        ("abc123", "abc123"),
        ("sha256:" + "1f2e" * 16, "sha256:1f2e1f2e"),
        (SHA + "00", SHA[:39] + "…"),
    ],
)
def test_what_is_no_commit_is_not_linked(revision: str, shown: str) -> None:
    """Branches, tags, versions and digests are shown as they are and lead nowhere."""
    found = links.revision(revision, Source(web_url="https://github.com/acme/api"))

    assert (found.text, found.url) == (shown, "")


def test_argo_cd_pages_are_encoded() -> None:
    """Names cannot leave their place in the address of Argo CD's own page."""
    page = links.application("https://cd.example.com/root/", AppKey("p", "a/b", "?x=1#"))

    assert page == "https://cd.example.com/root/applications/a%2Fb/%3Fx%3D1%23"
    assert links.node(page, Resource(kind="Service", namespace="pay", name="web")) == (
        f"{page}?node=%2FService%2Fpay%2Fweb%2F0"
    )
    assert links.application("javascript:x", AppKey("p", "a", "b")) == ""


@pytest.mark.parametrize("blanks", range(0, 240, 7))
def test_no_credential_is_told_wherever_a_text_is_cut(blanks: int) -> None:
    """User info of an address is left out of whatever is shown, also where a long text is cut."""
    told = "." * blanks + " https://tenant:hunter2@git.example.com/x " + "y" * 20_000

    assert "hunter2" not in text.line(told, 40)
    assert "hunter2" not in text.line(told)
    long = "." * (text.WHOLE - blanks) + told
    assert "hunter2" not in text.message(long).whole
    assert "hunter2" not in text.message(told).text
