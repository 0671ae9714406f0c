"""The site room: reads a site folder into typed, checked structures; the only reader of configuration.

May touch: the site folder (reading), `gateway.core` types, `gateway.rulebook.units`, `drivers.base` and a driver's Settings and parse.
May not touch: sockets, the kernel, the journal, the running daemon; it never writes a file.
"""

from gateway.site.load import Loaded, load_site, load_users
from gateway.site.model import Listen, Site, SourceSite, Storage, Upstream, User

__all__ = ["Listen", "Loaded", "Site", "SourceSite", "Storage", "Upstream", "User", "load_site", "load_users"]
