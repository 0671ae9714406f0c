"""Training of the shipped detector: scenes, data, network, loss, schedule, evaluation, export. Never imported by the daemon.

May touch: `inference.models`, PyTorch (the `training` extra), OpenCV, ONNX; reads label sets, writes weights and cards.
May not touch: the gateway, drivers, cameras.
"""
