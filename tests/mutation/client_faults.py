"""
Faults to seed into the client: leaks that must be noticed, and limits that must hold.

Each names the tests that are to notice it, since the matrix as a whole takes a minute.
"""

from __future__ import annotations

from fault import Fault

_CUT = "tests/faults/test_connections.py -k cut-short"
_HOSTILE = "tests/faults/test_unruly.py"
_IDLE = "tests/faults/test_keepalive.py"
_CLOCK = "tests/faults/test_clock.py"


def _leak(what: str, file: str, old: str, new: str, tests: str) -> Fault:
    return Fault("leak", what, file, old, new, tuple(tests.split()))


def _limit(what: str, file: str, old: str, new: str, tests: str) -> Fault:
    return Fault("limit", what, file, old, new, tuple(tests.split()))


CLIENT_FAULTS = (
    _leak(
        "connections stay open when the plugin ends",
        "client/transport.py",
        "        self._connections.cut()\n        self._http.close()",
        "        pass",
        "tests/faults/test_connections.py -k black-hole",
    ),
    _leak(
        "threads stay when their work is done",
        "concurrency.py",
        "            except queue.Empty:\n                return\n",
        "            except queue.Empty:\n                threading.Event().wait(30)\n"
        "                return\n",
        "tests/faults/test_connections.py -k refused",
    ),
    _leak(
        "the body of a refusal is told",
        "wire/refusals.py",
        'return errors.ServerFailed(f"answered {status} while {refusal.doing}"',
        'return errors.ServerFailed(f"answered {status} {refusal.body!r}"',
        "tests/faults/test_matrix.py -k 500-text",
    ),
    _leak(
        "a text of Argo CD's is told as it is",
        "wire/refusals.py",
        'f"Argo CD failed while {refusal.doing}: {shorten(text)}"',
        'f"Argo CD failed while {refusal.doing}: {text}"',
        "tests/faults/test_matrix.py -k 500-flat",
    ),
    _leak(
        "the whole address of a redirect is told",
        "wire/refusals.py",
        'f"redirected to {shorten(host, 80)}"',
        'f"redirected to {refusal.location}"',
        "tests/faults/test_matrix.py -k 302",
    ),
    _leak(
        "what httpx raised is chained",
        "client/transport.py",
        "            self._circuit.failed(problem)\n        raise problem from None",
        "            self._circuit.failed(problem)\n"
        "        raise problem from ValueError(str(self._headers(None)))",
        _CUT,
    ),
    _leak(
        "headers are logged",
        "client/transport.py",
        "        request = self._request(call, token)\n",
        "        request = self._request(call, token)\n"
        '        logging.getLogger("gantry_argocd").warning("%s", dict(request.headers))\n',
        _CUT,
    ),
    _leak(
        "the repr of a client shows its headers",
        "client/calls.py",
        "    def close(self) -> None:",
        "    def __repr__(self) -> str:\n"
        "        return str([s.reveal() for s in self._settings.headers.values()])\n\n"
        "    def close(self) -> None:",
        _CUT,
    ),
    _leak(
        "a refused sign-in tells the password",
        "client/transport.py",
        'f"the sign-in was refused{why}"',
        'f"the sign-in was refused {call.body}"',
        "tests/faults/test_acting.py -k locked",
    ),
    _limit(
        "a read over a closed idle connection is not repeated",
        "client/transport.py",
        "if fresh or not exchange.met_closed_door or",
        "if True or",
        _IDLE,
    ),
    _limit(
        "a sync goes over an idle connection",
        "client/transport.py",
        "in (not call.repeatable, True)",
        "in (False, True)",
        _IDLE,
    ),
    _limit(
        "an answer that has begun is asked for again",
        "client/connections.py",
        "return self.reused and not self.first",
        "return self.reused",
        _IDLE,
    ),
    _limit(
        "headers have no end",
        "client/connections.py",
        "if exchange.allowed < 0:",
        "if False:",
        f"{_HOSTILE} -k continue-without-end",
    ),
    _limit(
        "any compression is undone",
        "client/transport.py",
        "if encoding not in",
        "if False and encoding not in",
        f"{_HOSTILE} -k gzip-twice",
    ),
    _limit(
        "a refusal whose text breaks is a broken connection",
        "client/transport.py",
        "with suppress(httpx.HTTPError, TooMuch, errors.ArgoCDError):",
        "with suppress(KeyError):",
        f"{_HOSTILE} -k refusal",
    ),
    _limit(
        "deadlines are kept by the system's clock",
        "client/transport.py",
        "Connections(monotonic)",
        "Connections(lambda: now().timestamp())",
        _CLOCK,
    ),
    _limit(
        "each who waits for a sign-in makes one of its own",
        "client/session.py",
        "            if others is None:\n                self._under_way = mine",
        "            others = None",
        "tests/unit/test_session.py",
    ),
    _limit(
        "short sessions are renewed at each call",
        "client/session.py",
        "max(seconds - _RENEW_BEFORE, seconds * _RENEW_LATEST)",
        "seconds - _RENEW_BEFORE",
        "tests/unit/test_session.py",
    ),
)
