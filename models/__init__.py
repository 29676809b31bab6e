"""One room per network: its definition, its weights and its card.

Rooms import torch and nothing of ours. The engine reads only their files, never their Python.
"""
