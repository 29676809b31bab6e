"""The window: a thin layer of widgets over the engine, one Document between them.

Imports the engine, PySide6 and pyqtgraph. Never torch, soundfile, sounddevice or onnxruntime.
"""
