"""Room of the network that invents the band which speech at 16 kHz or less lacks."""
