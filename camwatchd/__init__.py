# SPDX-License-Identifier: MIT
"""A camera watchdog that owns the camera, recovers it and says why; this file owns the version."""

__version__ = "0.1.0"
