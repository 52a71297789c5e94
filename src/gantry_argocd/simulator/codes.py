"""The gRPC codes Argo CD answers with, their HTTP statuses, and the two shapes of an error body."""

from __future__ import annotations

import enum

from .gojson import Json


class Code(enum.IntEnum):
    """A gRPC status code."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The HTTP status the gateway translates this code to."""
        return _HTTP[self]


_HTTP = {
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class CallFailed(Exception):
    """A call that ends in a gRPC status; carries *code* and *message* separately."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def unary(self) -> Json:
        """Return the body of a failed ordinary call."""
        return {"error": self.message, "code": int(self.code), "message": self.message}

    def streamed(self) -> Json:
        """Return the frame a stream fails with: nested, unlike the unary shape."""
        status = self.code.http
        return {
            "error": {
                "grpc_code": int(self.code),
                "http_code": status,
                "message": self.message,
                "http_status": _REASONS[status],
            }
        }


def permission_denied() -> CallFailed:
    """Return the bare refusal, which also hides a missing Application."""
    return CallFailed(Code.PERMISSION_DENIED, "permission denied")
