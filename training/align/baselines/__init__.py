"""What anybody can do without us: a straight line, dynamic time warping of plain features, and other people's tools.

Each takes two mono recordings and their rate and gives knots. Every one works at the hop its own field uses.
"""
