"""Takes a training run to a machine that has a GPU and little else, and brings its weights back.

`python -m training pack RECIPE` writes a folder under 60 MiB with code, recordings and one command, `run.sh`, that
trains for eight minutes and can be started again; `python -m training unpack FILES` turns what a job left behind into
an ordinary checkpoint. Never a network connection, never anything that must be installed there.
"""
