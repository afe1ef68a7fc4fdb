# SPDX-License-Identifier: MIT
"""Owns logs to read in tests: lines as the daemon and as journalctl write them, and a journalctl that says them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DAY = 86400.0
BOOT = "9fc4772a6f034fedbde7a74d3a734c81"

_PRIORITIES = {"error": 3, "critical": 2, "warning": 4, "notice": 5, "info": 6}

# The first question is whether the journal may be read at all.
_JOURNALCTL = """#!/bin/sh
case "$*" in *--lines=0*) cat '{folder}/complaint' >&2; exit 0;; esac
[ -e '{folder}/arguments' ] || printf '%s\\n' "$@" > '{folder}/arguments'
cat '{folder}/journal'
[ ! -e '{folder}/damage' ] || exit 1
case "$*" in *--follow*) exec tail -f /dev/null;; esac
"""


def ours(at: float, event: str, level: str = "info", message: str = "", **facts: Any) -> str:
    """A line of `camwatchd --log-format json`, so many seconds after noon."""
    time = datetime.fromtimestamp(NOON + at, UTC).isoformat(timespec="milliseconds")
    head = {
        "time": time,
        "monotonic": 5000 + at,
        "level": level,
        "event": event,
        "message": message or event,
    }
    return json.dumps(head | facts)


def journals(at: float, event: str, level: str = "info", message: str = "", **facts: Any) -> str:
    """The same of `journalctl -o json`."""
    fields = {
        "__REALTIME_TIMESTAMP": f"{(NOON + at) * 1e6:.0f}",
        "__MONOTONIC_TIMESTAMP": f"{(5000 + at) * 1e6:.0f}",
        "_BOOT_ID": BOOT,
        "SYSLOG_IDENTIFIER": "camwatchd",
        "_SYSTEMD_UNIT": "camwatchd.service",
        "PRIORITY": str(_PRIORITIES[level]),
        "EVENT": event,
        "MESSAGE": message or event,
    }
    return json.dumps(fields | {name.upper(): str(value) for name, value in facts.items()})


def incident(
    at: float, *, fault: str = "frames-stopped", camera: str = "cam0", cured: bool = True
) -> list[str]:
    """What the daemon logs of one: two captures, the alert, an attempt that fails, and one that cures after 2 s."""
    about: dict[str, Any] = {"camera": camera, "fault": fault}
    stream, worker = about | {"rung": "restart-stream"}, about | {"rung": "restart-worker"}
    missed = [
        ours(
            at + n,
            "capture.failed",
            "warning",
            f"capture {n + 1} of 2 failed",
            camera=camera,
            failures=n + 1,
        )
        for n in range(2)
    ]
    alert = f"CAMERA_ISSUE: capture_failure: {camera}: {fault}"
    lines = [
        *missed,
        ours(at + 1, "alert.capture_failure", "error", alert, **about),
        ours(at + 1, "ladder.action_started", attempt=1, **stream),
        ours(at + 5, "ladder.attempt_failed", "warning", f"{camera}: no", seconds=4.0, attempt=1, **stream),
        ours(at + 6, "ladder.action_started", attempt=1, **worker),
    ]
    if cured:
        text = f"CAMERA_RECOVERY: {camera}: healthy again by restart-worker"
        lines.append(ours(at + 8, "alert.recovery", "notice", text, seconds=8.0, attempt=1, **worker))
    return lines


def written(file: Path, lines: Sequence[str]) -> str:
    """A file with these lines; its name."""
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)


def journalctl(folder: Path, lines: Sequence[str] = (), complaint: str = "") -> Path:
    """A journalctl that holds these lines, for the front of PATH; what it was asked first is then in `arguments`."""
    written(folder / "journal", lines)
    (folder / "complaint").write_text(complaint)
    program(folder, "journalctl", _JOURNALCTL.format(folder=folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    """One for the front of PATH."""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
