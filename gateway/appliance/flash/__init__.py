"""The writer of sticks and disks: what may be written to, the write that is read back, and the SITE of each box.

May touch: the one disk that was named, the image and its signed map, programs of the system (lsblk, mtools).
May not touch: any disk that is in use, and none that was not named.
"""
