"""Room of the network that invents the band which a recording at 44.1 or 48 kHz lacks."""
