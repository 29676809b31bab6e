"""Upsample: gives a recording the band it lost, and leaves the band it has alone.

The result is the resampled recording plus a generated band; the generated band is all that networks have a say in.
Never random, never longer or later than its source, never keeps a state from one chunk to the next.
"""

from engine.tools.upsample.tool import UPSAMPLE

__all__ = ["UPSAMPLE"]
