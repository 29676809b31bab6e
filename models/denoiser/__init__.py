"""Room of the network that removes steady noise from music, given a noise profile."""
