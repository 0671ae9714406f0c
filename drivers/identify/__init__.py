"""Recognising devices: what a capture or a live interface tells (passive), and what an approved device answers (active).

May touch: captures, packet sockets handed to it, approved devices by read requests; only its own files and numpy, msgspec.
May not touch: the daemon, the kernel, any driver; the daemon never imports it. It runs in a process of its own.
"""
