"""Cameras: pictures in, what stands where out; the last seconds kept encoded for evidence.

May touch: `inference.runtime` and `inference.models` (detections), `gateway.core.{tags,errors}`; numpy.
OpenCV and PyAV in a worker process alone.
May not touch: any other room. Pictures never leave the box.
"""
