"""Reads HTML as strictly as a browser is lenient: what is odd is listed."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urlsplit

VOID = {"input", "br", "img", "meta", "link", "hr", "circle", "path"}
ALLOWED = {
    *("abbr", "figcaption", "figure", "g", "option", "select", "title"),
    *("a", "article", "button", "caption", "circle", "dd", "details", "div", "dl", "dt", "form"),
    *("h2", "h3", "h4", "header", "input", "li", "nav", "p", "path", "pre", "section", "span"),
    *("strong", "summary", "svg", "table", "tbody", "td", "th", "thead", "time", "tr", "ul"),
}
PHRASING_ONLY = {"p", "span", "summary", "h2", "h3", "h4", "button", "a", "pre", "dt", "time"}
BLOCKS = {"div", "p", "ul", "dl", "section", "table", "form", "details", "pre", "article", "nav"}


class Page(HTMLParser):
    """
    A fragment, read.

    Attributes:
        faults: What is wrong, in words.

        elements: Name and attributes of every element, in order.

        text: All text between tags.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self._open]
        self._check_ids()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check one element."""
        names = Counter(name for name, _ in attrs)
        self.faults += [f"{name} twice in <{tag}>" for name, n in names.items() if n > 1]
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in ALLOWED:
            self.faults.append(f"<{tag}> is not one of ours")
        if tag in BLOCKS and self._open and self._open[-1] in PHRASING_ONLY:
            self.faults.append(f"<{tag}> in <{self._open[-1]}>")
        if tag in {"a", "button"} and {"a", "button", "summary"} & set(self._open):
            self.faults.append(f"<{tag}> in a control")
        for name, value in found.items():
            self._check_attribute(tag, name, value)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that the right element ends."""
        if tag in VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> ends {self._open[-1:] or 'nothing'}")
        else:
            self._open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take ``<path/>`` like ``<path>``."""
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data

    def all(self, name: str) -> list[dict[str, str]]:
        """Give the attributes of all elements called *name*."""
        return [attrs for tag, attrs in self.elements if tag == name]

    def _check_attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name == "style":
            self.faults.append(f"{name} in <{tag}>")
        if name in {"href", "action"} and value and not value.startswith(("/", "#", "?")):
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc:
                self.faults.append(f"{name}={value[:80]!r}")
            elif attrs_lack_rel(self.elements[-1][1]):
                self.faults.append(f"no rel in the link to {value[:80]!r}")

    def _check_ids(self) -> None:
        ids = Counter(attrs["id"] for _, attrs in self.elements if "id" in attrs)
        self.faults += [f"id {name} {n} times" for name, n in ids.items() if n > 1]
        for tag, attrs in self.elements:
            for name in ("aria-labelledby", "aria-describedby"):
                wanted = attrs.get(name, "").split()
                self.faults += [f"{name}={w} of <{tag}>" for w in wanted if w not in ids]


def attrs_lack_rel(attrs: dict[str, str]) -> bool:
    """Say whether a link to elsewhere would tell that place who sent the reader."""
    return not {"noopener", "noreferrer"} <= set(attrs.get("rel", "").split())
