"""Imported before any test.

hypothesis is imported here because its pytest plugin imports it at the very end otherwise, and CPython 3.11 up to 3.11.7 can
fail to parse a module while a finaliser parses another one (gh-106905).

A run that a shell put into the background ignores SIGINT, and with it every command under test that people end by Ctrl-C.
"""

from __future__ import annotations

import signal

import hypothesis  # noqa: F401

signal.signal(signal.SIGINT, signal.default_int_handler)
