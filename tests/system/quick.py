# SPDX-License-Identifier: MIT
"""Owns the configurations of the scenarios: the times of a real installation, shortened."""

from tests.process.daemon import camera

__all__ = ["QUICK", "WATCHDOG", "WATCHDOG_SECONDS", "camera"]

# An incident takes seconds; not fewer, since other containers are at work meanwhile.
QUICK = """
[daemon]
standby = false
[supervision]
max_consecutive_failures = 2
frame_timeout = 1
no_frame_timeout = 4
first_frame_timeout = 4
import_timeout = 20
recovery_cooldown = 1
[ladder.restart-stream]
attempts = 1
timeout = 5
settle = 2
[ladder.restart-worker]
attempts = 2
timeout = 5
settle = 3
backoff = 0.2
"""

WATCHDOG_SECONDS = 5
# In place of 60 s and 15 s. The daemon itself lengthens the interval if a fault could take longer to be noticed.
WATCHDOG = f"""
[Service]
WatchdogSec={WATCHDOG_SECONDS}
RestartSec=1
"""
