"""Doing it: who is meant, whether it may be, sent once, on record, followed to its end."""
