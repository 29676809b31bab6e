"""Device cards and the controls they are drawn from, by knob. A tool may add a panel of its own here."""
