"""What can go wrong between a checkpoint and a room: one class, whose message says what happened and what to do."""

from __future__ import annotations

from training.errors import TrainingError


class ExportError(TrainingError):
    """Something that keeps a file out of its room; the room stays as it was."""
