# SPDX-License-Identifier: MIT
"""Owns that `make bench` still knows the daemon that it measures."""

from tests.bench.__main__ import steady


def test_every_process_of_the_daemon_is_measured() -> None:
    """Its figures are for humans; that they are there is not."""
    rows = {row.name: row.value for row in steady(1.0)}

    for process in ("supervisor", "worker", "standby", "recorder"):
        assert 1 < float(rows[f"{process}, RSS"].removesuffix(" MB")) < 200
