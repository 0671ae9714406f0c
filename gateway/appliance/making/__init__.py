"""On the maker's machine only: wheels, parts list, licences and the bundle made of them, the same bytes each time.

May touch: the source tree, pip, a folder for what it downloads, the signing key that is named.
May not touch: a box; nothing that runs on one imports this.
"""
