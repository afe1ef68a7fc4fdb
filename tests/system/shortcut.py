# SPDX-License-Identifier: MIT
"""Owns the shortest way from a healthy camera to its reboot, for scenarios in which the ladder is not the point."""

from .quick import QUICK, WATCHDOG, camera

__all__ = ["HEALTHY_FOR", "LOST", "QUICK", "SHORTCUT", "WATCHDOG", "camera"]

# On top of QUICK: one attempt in the process, then the reboot is asked for.
SHORTCUT = """
[supervision]
system_reboot_threshold = 1
max_recovery_attempts = 1
[ladder.restart-worker]
attempts = 1
[ladder.restart-service]
enabled = false
[reboot]
min_uptime_before_reboot = 0
"""

HEALTHY_FOR = 6  # seconds; enough for the guard to hear of it
# A camera that worked, and that nothing cures but a boot: its script begins anew with each.
LOST = camera("cam0", {"kind": "stall", "at": HEALTHY_FOR})
