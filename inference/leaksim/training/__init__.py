"""Training of the leak model on simulated scenarios: network, batches, schedule, export. Never imported by the daemon.

May touch: PyTorch, onnx, onnxruntime, `inference.leaksim`, `inference.leak`, `inference.models.card`.
May not touch: any other room.
"""
