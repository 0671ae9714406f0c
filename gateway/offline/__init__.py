"""Work that takes longer than the daemon's loop allows: lists, exports, replays, backtests, trip bundles and their reports.

May touch: recorded files and the journal (reading), the box's key, its own folder of bundles, the output it is told to write.
May not touch: a running daemon, devices, the journal's or history's files (writing), values of personal tags.
"""
