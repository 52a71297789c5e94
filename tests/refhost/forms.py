"""Reading the form of a page as a browser does, without JavaScript."""

from __future__ import annotations

from html.parser import HTMLParser


class Fields(HTMLParser):
    """
    The fields that a browser would send of the forms that post to *action*.

    Attributes:
        fields: By name.

        invalid: Names of the fields that are marked as wrong.
    """

    def __init__(self, html: str, action: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.invalid: set[str] = set()
        self._action = action
        self._inside = False
        self._text: str | None = None
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name, value = found.get("name", ""), found.get("value", "")
        if tag == "form":
            self._inside = found.get("action") == self._action and "novalidate" in found
        if not self._inside:
            return
        if found.get("aria-invalid") == "true":
            self.invalid.add(name)
        if tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self.fields[name] = value
        elif tag == "textarea":
            self._text = name
            self.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self.fields[self._select] = value

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            # A browser drops the line end that a textarea begins with.
            self.fields[self._text] += data if self.fields[self._text] else data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None
        if tag == "form":
            self._inside = False
