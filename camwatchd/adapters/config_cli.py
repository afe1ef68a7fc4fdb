# SPDX-License-Identifier: MIT
"""Owns `camwatchd --check-config` and `camwatchd --print-config`."""

import sys
from collections.abc import Callable
from pathlib import Path

from camwatchd.adapters.config import Loaded, load_named
from camwatchd.adapters.config_text import effective
from camwatchd.errors import ConfigError, ExitStatus


def check(main: Path, drop_ins: Path) -> int:
    """Say whether the configuration can be used, and what stands in the way; the exit status."""
    return _answer(main, drop_ins, summary)


def show(main: Path, drop_ins: Path) -> int:
    """Print the effective values with their origins; the exit status."""
    return _answer(main, drop_ins, effective)


def summary(loaded: Loaded) -> str:
    """One line about a valid configuration."""
    cameras = loaded.settings.cameras
    count = "1 camera" if len(cameras) == 1 else f"{len(cameras)} cameras"
    names = ", ".join(camera.name for camera in cameras)
    read = f"read {', '.join(loaded.files)}" if loaded.files else "no file found, all defaults"
    return f"configuration is valid: {count} ({names}); {read}\n"


def _answer(main: Path, drop_ins: Path, text: Callable[[Loaded], str]) -> int:
    try:
        sys.stdout.write(text(load_named(main, drop_ins)))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return ExitStatus.EX_CONFIG
    return ExitStatus.EX_OK
