"""What is done on purpose to the watches that are open."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable

import attrs

from .codes import CallFailed, Code
from .gojson import Json, encode
from .store import Event


class Held(enum.Enum):
    """What of a watch does not go out, though the connection stays."""

    NOTHING = "nothing"
    # As after an overflow that never ends, or a cache that no longer hears of changes.
    EVENTS = "events"
    # Not even keep-alives: what a broken network path looks like from its end.
    EVERYTHING = "everything"


@attrs.frozen
class Cut:
    """End a watch without a terminating chunk; with *reset* by a reset of the connection."""

    reset: bool = False


@attrs.frozen
class Failure:
    """End a watch in order, an error its last frame."""

    failure: CallFailed


@attrs.frozen
class Bytes:
    """Send these bytes as they are."""

    data: bytes


Message = Event | Cut | Failure | Bytes
Receiver = Callable[[Message], None]


class Streams:
    """The open watches, and the faults that befall them; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._receivers: dict[object, Receiver] = {}
        self._held = Held.NOTHING
        self._to_lose = 0
        self._cut_after: int | None = None
        self._lost = 0
        self._judged: tuple[Event | None, bool] = (None, False)

    def __len__(self) -> int:
        """Return how many watches are open, those included that have sent nothing yet."""
        return len(self._receivers)

    @property
    def held(self) -> Held:
        """What does not go out at present."""
        return self._held

    @property
    def lost(self) -> int:
        """How many events of any watch were dropped so far, on purpose or for want of room."""
        return self._lost

    # -- faults ---------------------------------------------------------------------------------

    def cut(self, *, reset: bool = False) -> None:
        """End every open watch without a terminating chunk, as a server that goes away does."""
        self._tell_all(Cut(reset))

    def cut_after(self, frames: int | None) -> None:
        """End every watch opened from now on after *frames* frames; None lets them live again."""
        self._cut_after = frames

    def fail(self, code: int, message: str) -> None:
        """End every open watch with an error as its last frame."""
        self._tell_all(Failure(CallFailed(Code(code), message)))

    def hold(self, what: str = "events") -> None:
        """Let ``events`` or ``everything`` no longer go out; what is held back is lost."""
        self._held = Held(what)

    def release(self) -> None:
        """Let events go out again, and lose none on purpose."""
        with self._lock:
            self._held, self._to_lose, self._cut_after = Held.NOTHING, 0, None

    def lose(self, events: int) -> None:
        """Drop the next *events* events of the fleet, in every watch, as a full buffer does."""
        with self._lock:
            self._to_lose += events

    def inject(self, kind: str, application: Json) -> None:
        """Send an event that never happened: an older version, a twin, something malformed."""
        self.send_bytes(encode({"result": {"type": kind, "application": application}}))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes on every open watch as they are; event streams get them as a data line."""
        self._tell_all(Bytes(data))

    def set_from(self, request: Json) -> None:
        """Do what a JSON body says; raises TypeError or ValueError for what nobody can do."""
        options = dict(request)
        do = options.pop("do", None)
        actions: dict[object, Callable[..., None]] = {
            "cut": self.cut,
            "cutAfter": self.cut_after,
            "fail": self.fail,
            "hold": self.hold,
            "release": self.release,
            "lose": self.lose,
            "inject": self.inject,
            "send": lambda text: self.send_bytes(str(text).encode()),
        }
        if do not in actions:
            raise ValueError(f"do must be one of {', '.join(map(str, actions))}")
        actions[do](**options)

    # -- for the watches ------------------------------------------------------------------------

    def join(self, receiver: Receiver) -> tuple[Callable[[], None], int | None]:
        """Take part; returns how to leave, and after how many frames to end by itself."""
        mark = object()
        with self._lock:
            self._receivers[mark] = receiver

        def leave() -> None:
            with self._lock:
                self._receivers.pop(mark, None)

        return leave, self._cut_after

    def loses(self, event: Event) -> bool:
        """Return whether *event* is to be dropped; the same for every watch that asks."""
        with self._lock:
            judged, lost = self._judged
            if judged is not event:
                lost = self._held is not Held.NOTHING or self._to_lose > 0
                self._to_lose = max(0, self._to_lose - 1)
                self._judged = (event, lost)
            self._lost += lost
            return lost

    def count_overflow(self) -> None:
        """Count an event for which a watch had no room."""
        with self._lock:
            self._lost += 1

    def _tell_all(self, message: Message) -> None:
        with self._lock:
            receivers = list(self._receivers.values())
        for receiver in receivers:
            receiver(message)
