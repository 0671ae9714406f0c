"""Models as sources: what a camera or a microphone shows becomes tags like any other.

May touch: `drivers.base`, `gateway.core.{tags,samples,errors}`; native libraries in a worker process alone.
May not touch: any other room.
"""

SOURCES = ("camera", "leak")  # what `driver = "…"` of a site may name beside the protocols: `inference.<name>`
