"""Structural checks, by name: where a table of fields is not enough (nested lengths, CRC, echoed ids), one function each.

May touch: the bytes of one frame.
May not touch: anything else; a check never raises, whatever the bytes are: what does not fit is None.
"""
