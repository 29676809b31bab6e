"""The window: a thin layer of widgets over the engine, one Document between them.

Imports the engine and PySide6. Never torch, soundfile, sounddevice or onnxruntime.
"""
