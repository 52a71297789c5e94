"""Answers to list requests that are kept ready, as long as nothing has changed."""

from __future__ import annotations

import gzip
import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import attrs

_QUESTIONS_KEPT = 8
_ANSWERS_KEPT = 3


@attrs.define(eq=False)
class Packed:
    """A list answer, compressed at most once."""

    plain: bytes
    _compressed: bytes | None = None

    def compressed(self) -> bytes:
        """Return it compressed."""
        if self._compressed is None:
            self._compressed = gzip.compress(self.plain, 1)
        return self._compressed


class Lists:
    """The answers given last, by question; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Hashable, list[Packed]]] = OrderedDict()

    def answer(
        self,
        question: Hashable,
        state: Hashable,
        rng: random.Random,
        make: Callable[[], bytes],
    ) -> Packed:
        """Return one of the answers to *question* in *state*, or a new one that *make* makes."""
        with self._lock:
            known, answers = self._kept.pop(question, (None, []))
            if known != state:
                answers = []
            if len(answers) < _ANSWERS_KEPT:
                answers.append(Packed(make()))
                chosen = answers[-1]
            else:
                chosen = rng.choice(answers)
            self._kept[question] = (state, answers)
            if len(self._kept) > _QUESTIONS_KEPT:
                self._kept.popitem(last=False)
            return chosen
