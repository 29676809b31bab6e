"""From a checkpoint to a verified file in its room: ONNX, float16 weights, parity, card.

"Export" here always means torch to ONNX; what the user calls exporting audio is *writing*, in the engine.
"""
