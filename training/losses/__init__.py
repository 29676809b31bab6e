"""Losses, in the safe mode of their definitions: computed in fp32, relative floors, one number per item."""
