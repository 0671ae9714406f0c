"""Prometheus metrics: a registry that reads the views and the runtime's counters when it is scraped, and its own small server.

May touch: `gateway.control.messages` (read-only views), prometheus_client, one listening socket.
May not touch: the kernel, sources, outputs, the journal; nothing here runs per value or between two scrapes.
"""
