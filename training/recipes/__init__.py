"""One small file per network that can be trained: `RECIPE` in each."""
