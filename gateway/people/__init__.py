"""The wearable vault, consent, what workers see of their own data, fatigue, positions and behaviour.

May touch: the vault's own folder and key store, frames that a driver hands on under consent, Personal blocks.
May not touch: journal, history, upstream, page, metrics: nothing personal is of a type that those take.
"""
