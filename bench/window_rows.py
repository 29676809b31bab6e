"""Rows of the window."""

from __future__ import annotations

from bench.rows import Row

ROWS: tuple[Row, ...] = ()
