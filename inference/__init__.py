"""Models as sources. Empty until "Inference I": the room is kept so that its import contract holds from the first day.

May touch: `drivers.base`, `gateway.core.{tags,samples,errors}`.
May not touch: any other room.
"""
