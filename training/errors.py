"""What can go wrong in training in a way that a person can mend: one class, and no torch behind it.

The message says what happened and what to do; `python -m training` shows it as it is.
"""

from __future__ import annotations


class TrainingError(ValueError):
    """Something a person can mend before training: the message says what happened and what to do."""
