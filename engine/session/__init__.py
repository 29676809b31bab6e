"""Documents: what a user did to which recording, and the result as one more Signal.

Knows tools; knows no window.
"""
