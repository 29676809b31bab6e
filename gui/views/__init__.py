"""The canvas of the window: overview, ruler, waveform, spectrogram, number row and the state they share.

A view receives Signals through `Lane`s and what is visible through `ViewState`. It knows no document, no player and no
tool, never renders, and reads no file on the window's thread.
"""
