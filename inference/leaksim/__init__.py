"""What a leak and its surroundings look and sound like, computed: for training, tests and campaigns, never at run time.

May touch: numpy and `inference.leak` (the front end whose features it makes).
May not touch: any other room. Nothing at run time imports it.
"""
