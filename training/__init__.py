"""What fills the rooms: data, degradations, losses, one loop and a small recipe per network.

Imports models and engine. Never Qt, and the product never imports it.
"""
