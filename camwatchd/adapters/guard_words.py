# SPDX-License-Identifier: MIT
"""Owns what the guard (the shell scripts beside the unit) lets others see: that it is there, and why it is closed."""

import os
from pathlib import Path

PROGRAM = "usr/lib/camwatchd/guard"
# The package's, or what an administrator put over it.
_GENERATORS = tuple(f"{folder}/systemd/system-generators/camwatchd-guard" for folder in ("usr/lib", "etc"))
_DROP_IN = "run/systemd/generator/camwatchd.service.d/zz-camwatchd-guard.conf"
_SILENT = "it does not say why"


def missing(root: Path = Path("/")) -> str:
    """What of it is not there; empty: it is whole."""
    if not os.access(root / PROGRAM, os.X_OK):
        return f"/{PROGRAM} is missing"
    if not any(os.access(root / name, os.F_OK) for name in _GENERATORS):
        return "its generator, which systemd runs at boot, is missing"
    return ""


def closed(root: Path = Path("/")) -> str:
    """Why it lets nothing reboot in this boot: its drop-in ends with the reason as a comment. Empty: it is open."""
    try:
        lines = (root / _DROP_IN).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line[2:] for line in reversed(lines) if line.startswith("# ")), _SILENT)
