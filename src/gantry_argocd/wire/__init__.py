"""
What goes over the wire to and from Argo CD: its JSON, its errors, its spelling. No network here.
"""

from .answers import commit_of, release_of, sync_window
from .application import external_url
from .decoding import loads
from .disclosure import disclose
from .facts import Reading
from .reading import (
    PORTABLE_FIELDS,
    STREAM_FIELDS,
    Event,
    Listing,
    Overheard,
    Reader,
    decode,
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
