# SPDX-License-Identifier: MIT
"""Owns one request of every kind, for whoever tests what may be asked."""

from camwatchd.control.protocol import (
    Adjust,
    Attach,
    Drill,
    Pause,
    Ping,
    Recover,
    Reload,
    Request,
    Resume,
    Status,
)
from camwatchd.core.ladder import Rung

REQUESTS: list[Request] = [
    Ping(), Status(), Pause(600.0), Pause(1.5, ("cam0", "cam1")), Resume(), Resume(("cam0",)), Recover(("cam1",)),
    Recover((), Rung.REBOOT, dry_run=True), Drill("cam0", "stall"),
    Reload(), Attach("cam0"), Attach("cam0", "lores"), Adjust("cam0", {"ExposureTime": 100, "ColourGains": [1.0, 2]}),
]  # fmt: skip
