"""The `gatehouse` command: a client of the control sockets, quick, in two languages, with exit codes to rely on.

May touch: the control sockets, stdin, stdout, stderr; of ours only `gateway.control.messages`.
May not touch: the daemon's objects and files; `gateway.app` is loaded only by run, check, demo and record.
"""
