"""Who is at the page: PINs, lock-outs, sessions, the proof of the kiosk, tokens of integrators, the page's own certificates.

May touch: its own folder `access` in the state directory (0700, files 0600).
May not touch: any other room; what a role may do is decided by control and the kernel.
"""
