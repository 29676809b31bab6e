"""`python -m training.upsample.scoreboard`: another spelling of `python -m training.quality upsample`."""

from __future__ import annotations

import sys

from training.quality.__main__ import main

if __name__ == "__main__":
    sys.argv.insert(1, "upsample")
    sys.exit(main())
