"""Hearing it: two Signals side by side, mixed by two gains at the very end, on a sound card or without one.

Knows Signals only. Never tools, recipes or files; sounddevice is imported in `output` alone, and only to open a card.
"""
