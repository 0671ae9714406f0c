"""Everything between the world and the kernel: Inbox, the line, supervisor, output writes, watchdog, views.

May touch: sockets and tasks of the loop, drivers (through `drivers.base`), history, journal, the kernel's door.
May not touch: the site's files, the rulebook, the network upstream.
"""
