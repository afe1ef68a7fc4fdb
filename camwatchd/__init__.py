# SPDX-License-Identifier: MIT
"""A camera watchdog that owns the camera, recovers it and says why; this file owns its version and its place."""

__version__ = "0.1.0"

CONFIG_FILE = "/etc/camwatchd/config.toml"
STATE_DIR = "/var/lib/camwatchd/state"  # of the ledger; as the unit has it
