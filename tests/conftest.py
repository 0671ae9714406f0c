"""Imported before any test.

hypothesis is imported here because its pytest plugin imports it at the very end otherwise, and CPython 3.11 up to 3.11.7 can
fail to parse a module while a finaliser parses another one (gh-106905).
"""

from __future__ import annotations

import hypothesis  # noqa: F401
