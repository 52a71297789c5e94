"""Tests of the reference host, over a real socket."""
