"""Hostile bytes for every decoder: a target joins with one `target_<name>.py` (see tests/fuzz/engine.py for its shape)."""
