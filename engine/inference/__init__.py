"""Networks at work: a room's card, one ONNX session, and the chunk grid that makes any span the same bits.

Reads only the files of `models`, never its Python, and imports ONNX Runtime when the first network runs. Never torch.
"""
