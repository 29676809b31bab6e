"""How the cutoff finder's judge is taught: `python -m training.band_edge` makes examples, fits, and writes its numbers.

Clean licences and the training split only: what the numbers were chosen by are recordings of that split, held out.
"""
