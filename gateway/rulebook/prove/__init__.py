"""The prover: decides over the declared ranges of all tags what a program of rules can do, before anything is armed.

May touch: gateway.rulebook, gateway.core.{program,tags,limits,image,evaluate,voting,written}, z3 (optional).
May not touch: files, sockets, clocks, the kernel's step, the running daemon.
"""
