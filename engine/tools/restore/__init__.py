"""Restore: takes clicks, hum and noise away, and lets you hear what it took.

A chain of stages in the order in which damage was added, last first. Never invents sound; never keeps a state from one
chunk to the next.
"""

from engine.tools.restore.tool import RESTORE

__all__ = ["RESTORE"]
