"""One fault that can be seeded into a copy of the package."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """
    One way to get a rule wrong.

    Attributes:
        rule: Number of the correlation rule that is broken, or what is.

        what: The fault, in a few words.

        file: Path inside of the package.

        old: What stands there.

        new: What stands there when the rule is broken.

        tests: Arguments of pytest that choose the tests which are to notice it. Empty for those
            of the correlation.
    """

    rule: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()
