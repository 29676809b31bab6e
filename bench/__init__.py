"""Speed and memory of the product, measured through its own code paths: `python -m bench`, or `make bench`.

Each row runs in a process of its own, so that start, memory and caches are those of a fresh program.
"""
