"""Losses, in the safe mode of their definitions: computed in fp32, relative floors, one number per item."""

from training.losses.base import Loss, Prepared

__all__ = ["Loss", "Prepared"]
