"""Which version of a rule set protects: versions kept for ever, signed by two named persons, armed one interlock at a time.

May touch: its folder in the state folder, gateway.core's program, tags and errors, and the cryptography library.
May not touch: the kernel's turn, sockets, the site's files; private keys never come onto the box.
"""
