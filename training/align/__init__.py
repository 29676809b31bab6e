"""Pairs of recordings whose alignment is known, and how well anybody finds it.

`python -m training.align.bench` makes the pairs, has every contender align them and prints the table. Performances of
ASAP and Vienna 4x22 are rendered to measure with, and never to learn from; nothing that is rendered here is committed.
"""
