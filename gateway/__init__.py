"""Gatehouse: an edge-first safety gateway for industrial plants."""
