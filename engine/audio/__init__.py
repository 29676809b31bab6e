"""Samples in, samples out: Signals, files, rates, spectra, loudness, peaks.

Knows no tool, no network and no recipe.
"""
