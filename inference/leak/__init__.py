"""Leaks heard and seen: a microphone and a thermal camera, one second at a time, fused by one small network.

May touch: `inference.runtime`, `inference.models`, `drivers.base`, `gateway.core.{tags,samples,errors}`.
May not touch: `inference.leaksim`, or any other room.
"""
