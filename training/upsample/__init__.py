"""Training of the networks that give a recording the band it lost: their data, losses and commands."""
