"""What a model file is: its card, its layout, its boxes, its admission, its quantisation and its thresholds.

May touch: `inference.runtime`; onnx, OpenCV and onnxruntime, because it runs in a process of its own.
May not touch: the daemon and every source.
"""
