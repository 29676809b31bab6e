"""What takes minutes runs when it is asked for: `make thorough`, or `-m slow`."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("slow") and "slow" not in request.config.option.markexpr:
        pytest.skip("takes minutes: ask for it with -m slow")
