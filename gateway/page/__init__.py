"""The status page: what people on the spot see in a browser. Read-only, both languages, no build step, no internet.

May touch: `gateway.control.messages` (read-only views), one listening socket, its own static files.
May not touch: the kernel, sources, outputs, the journal, commands, files of the site.
"""
