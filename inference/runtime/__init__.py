"""Worker processes for native code: started, confined, watched and killed; their results become blocks.

May touch: `drivers.base`, `gateway.core.{tags,samples,errors}`; onnxruntime and OpenVINO in `session`, which the daemon never imports.
May not touch: any other room, and no room of inference above it.
"""
