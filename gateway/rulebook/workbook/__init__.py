"""The cause & effect workbook: a matrix is another face of the rule language, with the same canonical form and hash.

May touch: gateway.rulebook, gateway.core.{tags,program,errors,limits}, openpyxl, bytes and text handed to it.
May not touch: files, sockets, clocks, the kernel or the running daemon.
"""
