"""The models Gatehouse ships: files only, each with its card, golden batch and attribution.

May touch: nothing. It holds data.
May not touch: any room.
"""
