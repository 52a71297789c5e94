"""Whoever is told that something failed is told what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gantry_argocd import errors
from gantry_argocd.instances.doctor import ADVICE, STEPS

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text("utf-8")


def tree(cls: type[errors.GantryArgoCDError]) -> list[type[errors.GantryArgoCDError]]:
    """Give a class and all below it."""
    return [cls, *(deep for sub in cls.__subclasses__() for deep in tree(sub))]


OF_ARGO_CD = [cls for cls in tree(errors.ArgoCDError) if cls is not errors.ArgoCDError]


@pytest.mark.parametrize("kind", OF_ARGO_CD, ids=lambda kind: kind.__name__)
def test_every_failure_of_an_instance_has_a_cure(kind: type[errors.ArgoCDError]) -> None:
    """No error leaves a platform engineer alone, and none repeats what a wider one says."""
    assert kind.help.endswith(".")
    (parent,) = kind.__bases__
    assert kind.help != getattr(parent, "help", "")
    assert kind("text", instance="one").as_json()["help"] == kind.help


def test_every_help_text_is_on_one_page() -> None:
    """Whoever searches the documentation for a help text finds it, with all others."""
    helps = [cls.help for cls in tree(errors.GantryArgoCDError) if cls.help]

    missing = [text for text in (*helps, *ADVICE.values(), *STEPS.values()) if text not in PAGE]
    assert missing == []
    assert len(helps) > 25


def test_the_doctor_says_nothing_that_is_not_on_the_page() -> None:
    """A step's help is an error's or one of the advice, never a text of its own."""
    source = (Path(errors.__file__).parent / "instances" / "doctor.py").read_text("utf-8")

    assert source.count("help=") == source.count("help=error.help") + source.count("help=advice")
