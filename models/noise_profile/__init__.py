"""Room of the network that estimates the steady noise of a recording from statistics of its spectrum."""
