"""Mirrors the source. A package of its own, so that no library's tests are taken for these."""
