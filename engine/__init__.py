"""The audio engine: everything the product can do, without a window.

Imports numpy, scipy, soxr, soundfile, sounddevice (in one module) and onnxruntime. Never Qt, never torch.
"""

__version__ = "0.1.0"
