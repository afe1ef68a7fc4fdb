# SPDX-License-Identifier: MIT
"""Owns that `make bench` still knows the daemon that it measures, and shows what was asked for."""

import pytest

import tests.bench.__main__ as bench
from tests.bench import recovery
from tests.bench.__main__ import recoveries, steady
from tests.bench.table import cpu_target


def test_every_process_of_the_daemon_is_measured() -> None:
    """Its figures are for humans; that they are there is not."""
    table = steady(1.0)
    rows = {row.name: row.value for row in table}

    for process in ("supervisor", "worker", "standby", "recorder"):
        assert 1 < float(rows[f"{process}, RSS"].removesuffix(" MB")) < 200
    assert [row for row in table if "CPU per frame" in row.name][1].target.startswith("at most 1.05 x: ")


def test_what_misses_its_target_says_so() -> None:
    """The CPU of a supervised frame stands beside the target, whichever side of it it is on."""
    assert ["at most 1.05 x: met", "at most 1.05 x: missed"] == [cpu_target(1.04), cpu_target(1.25)]


def test_recovery_is_measured_from_the_stall_and_from_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a stall that each of the two rungs ends, the latter with a standby and without, and for a crash."""
    drills: list[tuple[str, bool]] = []

    def stall(rung: str, *, standby: bool = False) -> recovery.Stall:
        drills.append((rung, standby))
        return recovery.Stall(4.5, 0.007, 0.111, 4.7)

    monkeypatch.setattr(bench, "bare", lambda _: {"first": 0.05})
    monkeypatch.setattr(recovery, "stall", stall)
    monkeypatch.setattr(recovery, "crash", lambda *, standby: 0.06 if standby else 0.18)
    rows = recoveries()

    assert {("restart-stream", False), ("restart-worker", True), ("restart-worker", False)} == set(drills)
    assert [row.value for row in rows[1:]] == ["4500 ms", "7 ms", "111 ms", "4700 ms"] * 3 + [
        "60 ms",
        "180 ms",
    ]
    assert [row.target for row in rows if "order" in row.name] == ["", "own + at most 150 ms", ""]
