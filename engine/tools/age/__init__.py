"""Age makes the damage that Restore removes: a tool for users, a degradation for training, a truth for tests.

Same seed, same bits. It never reads more of a recording than the span asked for and a moment around it.
"""

from engine.tools.age.impulses import Event
from engine.tools.age.knobs import EFFECTS
from engine.tools.age.tool import AGE, Age, events, speed_curve, stems, time_map

__all__ = ["AGE", "EFFECTS", "Age", "Event", "events", "speed_curve", "stems", "time_map"]
