"""The admin route ``/_simulator/``: how another process changes the fleet and causes faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .codes import CallFailed
from .exchange import Answer, Exchange
from .gojson import Json, encode
from .life import Life
from .store import CONTROL_PLANE
from .world import World

ADMIN = "/_simulator/"
Afterwards = Callable[[], None]
# What there is to say, or what is to be done once the answer is out.
Outcome = Json | Afterwards | None


class Admin:
    """Answers the admin requests of one simulated server; whoever reaches the port may send them.

    Args:
        world: The server's state.

        life: What befalls its fleet.

        restart: Restarts the server.

        refuse: Closes its port for some seconds.
    """

    def __init__(
        self,
        world: World,
        life: Life,
        restart: Callable[..., None],
        refuse: Callable[[float], None],
    ) -> None:
        self._world = world
        self._life = life
        self._restart = restart
        self._refuse = refuse

    def answer(self, exchange: Exchange) -> tuple[Answer, Afterwards | None]:
        """Answer one request, and say what is to be done once the answer is out."""
        actions: dict[tuple[str, str], Callable[[Exchange], Outcome]] = {
            ("POST", "faults"): self._set_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "streams"): self._streams,
            ("POST", "restart"): self._later_restart,
            ("POST", "refuse"): self._later_refuse,
            ("POST", "clock"): self._set_clock,
            ("POST", "life"): self._live,
            ("GET", "requests"): self._count_requests,
            ("POST", "tokens"): self._issue_token,
            ("DELETE", "tokens"): self._revoke_token,
            ("PATCH", "applications"): self._change,
            ("PUT", "applications"): self._replace,
            ("DELETE", "applications"): self._delete,
        }
        action = actions.get((exchange.method, exchange.path.removeprefix(ADMIN)))
        if action is None:
            return Answer.text(404, "404 page not found\n"), None
        try:
            outcome = action(exchange)
        except KeyError as error:
            return Answer(404, encode({"error": f"no {error}"})), None
        except (ValueError, TypeError, CallFailed) as error:
            return Answer(400, encode({"error": str(error)})), None
        if isinstance(outcome, dict):
            return Answer(200, encode(outcome)), None
        return Answer(204), outcome

    def _set_fault(self, exchange: Exchange) -> Outcome:
        self._world.faults.set_from(_object(exchange))
        return None

    def _clear_faults(self, exchange: Exchange) -> Outcome:
        self._world.faults.clear(exchange.value("route") or None)
        self._world.streams.release()
        return None

    def _streams(self, exchange: Exchange) -> Outcome:
        self._world.streams.set_from(_object(exchange))
        return None

    def _later_restart(self, exchange: Exchange) -> Outcome:
        given = _object(exchange)
        hard = given.pop("hard", False) is True
        drain, down = given.pop("drainSeconds", 20.0), given.pop("downSeconds", 0.0)
        if given:
            raise ValueError(f"unknown: {', '.join(given)}")
        seconds = {"drain_seconds": _number(drain), "down_seconds": _number(down)}
        return lambda: self._restart(hard=hard, **seconds)

    def _later_refuse(self, exchange: Exchange) -> Outcome:
        seconds = _number(_object(exchange).get("seconds", 20.0))
        return lambda: self._refuse(seconds)

    def _set_clock(self, exchange: Exchange) -> Outcome:
        given = _object(exchange)
        if "rate" in given:
            self._world.clock.run(_number(given["rate"]))
        self._world.clock.advance(_number(given.get("advance", 0)))
        return {"now": self._world.now()}

    def _count_requests(self, _: Exchange) -> Outcome:
        return {"routes": self._world.requests.totals()}

    def _live(self, exchange: Exchange) -> Outcome:
        given = _object(exchange)
        do = given.get("do")
        if do == "step":
            return {"happened": self._life.step(int(_number(given.get("count", 1), most=10_000)))}
        if do == "run":
            self._life.run(_number(given.get("perMinute", 0)))
            return None
        namespace = str(given.get("namespace") or CONTROL_PLANE)
        done = self._life.happen(str(do), str(given.get("name", "")), namespace=namespace)
        return {"happened": done}

    def _issue_token(self, exchange: Exchange) -> Outcome:
        given = _object(exchange)
        subject, lifetime = str(given.get("subject", "admin")), given.get("lifetime")
        seconds = None if lifetime is None else _number(lifetime)
        return {"token": self._world.keyring.issue(subject, lifetime=seconds)}

    def _revoke_token(self, exchange: Exchange) -> Outcome:
        self._world.keyring.revoke(str(_object(exchange).get("token", "")))
        return None

    def _change(self, exchange: Exchange) -> Outcome:
        for change in _objects(exchange):
            self._world.fleet.set_status(
                str(change.get("name", "")),
                namespace=str(change.get("namespace") or CONTROL_PLANE),
                sync=change.get("sync"),
                health=change.get("health"),
                merge=change.get("merge"),
            )
        return None

    def _replace(self, exchange: Exchange) -> Outcome:
        for application in _objects(exchange):
            self._world.fleet.replace(application)
        return None

    def _delete(self, exchange: Exchange) -> Outcome:
        namespace = exchange.value("namespace") or CONTROL_PLANE
        self._world.fleet.delete(exchange.value("name"), namespace=namespace)
        return None


def _read(exchange: Exchange) -> Any:
    return json.loads(exchange.body or b"{}")


def _number(given: Any, most: float = 1e9) -> float:
    """Read a number; seconds are at most some thirty years either way."""
    number = float(given)
    if not -most <= number <= most:  # not a number is not in between either
        raise ValueError(f"a number from {-most:.0f} to {most:.0f} is expected")
    return number


def _object(exchange: Exchange) -> Json:
    value = _read(exchange)
    if not isinstance(value, dict):
        raise TypeError("the body must be an object")
    return value


def _objects(exchange: Exchange) -> list[Json]:
    value = _read(exchange)
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in values):
        raise TypeError("the body must be an object or a list of objects")
    return values
