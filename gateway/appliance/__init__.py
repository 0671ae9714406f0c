"""The box itself: signed bundles, two slots, the trial of a new version, sticks and the SITE partition.

May touch: files below a root that is given (`Place`), block devices that were named, and programs of the system it says by name.
May not touch: the plant, the kernel, the site's meaning. What the running gateway says reaches it as a `Seen` from `app`.
"""
