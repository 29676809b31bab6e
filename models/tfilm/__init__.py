"""The room of TFiLM: speech raised 2, 4 or 8 times to 16 kHz, block scales by an LSTM."""
