"""
What goes over the wire to and from Argo CD: its JSON, its errors, its spelling. No network here.
"""

from .decoding import loads
from .reading import (
    PORTABLE_FIELDS,
    STREAM_FIELDS,
    Event,
    Listing,
    Overheard,
    Reader,
    Reading,
    commit_of,
    decode,
    disclose,
    external_url,
    release_of,
    sync_window,
)
from .refusals import Refusal, explain

__all__ = [
    "PORTABLE_FIELDS",
    "STREAM_FIELDS",
    "Event",
    "Listing",
    "Overheard",
    "Reader",
    "Reading",
    "Refusal",
    "commit_of",
    "decode",
    "disclose",
    "explain",
    "external_url",
    "loads",
    "release_of",
    "sync_window",
]
