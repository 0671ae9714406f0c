"""The rulebook room, compile time only: rule texts become the canonical program that people sign and the kernel loads.

May touch: gateway.core.{tags,program,limits,errors}, lark, pint, text handed to it.
May not touch: files, sockets, clocks, the kernel or the running daemon.
"""

from gateway.rulebook.compile import Compiled, compile_rules
from gateway.rulebook.formula import bracketed

__all__ = ["Compiled", "bracketed", "compile_rules"]
