"""Align: one piece, two recordings, one timeline.

Finds which moment of a target belongs to which moment of a reference, says how sure it is and what has no counterpart,
and reads the target on the reference's time. Never invents sound.
"""

from engine.tools.align.tool import ALIGN

__all__ = ["ALIGN"]
