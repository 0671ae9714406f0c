"""The status page: what people on the spot see and do in a browser. Both languages, no build step, no internet.

May touch: read-only views and the verbs of `gateway.control`, `gateway.access`, its listening sockets, its own static files.
May not touch: the kernel, sources, outputs, the journal, files of the site.
"""
