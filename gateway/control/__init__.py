"""The local API: a Unix socket per role, a verbs table, peer credentials. `messages` is all that `cli` may import.

May touch: read-only views of the runtime, the Inbox for commands (through the desk it is given).
May not touch: the kernel, drivers, the journal's file, the network.
"""
