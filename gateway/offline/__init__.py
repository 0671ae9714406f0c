"""Work that takes longer than the daemon's loop allows: lists, exports and replays of what was recorded.

May touch: recorded files (reading), the output it is told to write, `history`, `core`.
May not touch: a running daemon, devices, the journal's or history's files (writing).
"""
