"""Benchmarks: every figure beside its reference, both measured in the same run. Never part of the test run.

A module `bench_<name>` has `figures(quick) -> list` of `{figure, value, unit, reference, ratio, must, met}`.
"""
