# SPDX-License-Identifier: MIT
"""Owns short plays for the demo's tests: `python -m tests.process.demo_rig PLAY`, the demo reconfigured."""

import signal
import sys
from dataclasses import replace

from camwatchd.demo.__main__ import play
from camwatchd.demo.acts import ACTS, Act
from camwatchd.loop import Signals

# As short as the settings' limits and a busy machine allow.
SETTINGS = """\
[daemon]
log_format = "json"
summary_interval = 2
[supervision]
stable_after = 1
frame_timeout = 0.5
[camera.cam0]
backend = "simulated"
[camera.cam0.checks]
frozen_after = 1
"""
_BEGINNINGS = (15, 60, 105, 195, 240)  # in frames, as `at_frame`; the frozen ones count too


def _sooner(act: Act, frame: int) -> Act:
    lines = (f"at_frame = {frame}" if "at_frame" in line else line for line in act.script.splitlines())
    return replace(act, script="\n".join(lines))


QUICK = tuple(_sooner(act, frame) for act, frame in zip(ACTS, _BEGINNINGS, strict=True))
PLAYS: dict[str, tuple[Act, ...]] = {
    "quick": QUICK,
    "too-high-a-rung": (replace(QUICK[0], script=QUICK[1].script),),  # expected: retry
    "never-cured": (replace(QUICK[0], script='kind = "stall"\nat_frame = 15'),),
    "refuses-to-die": (_sooner(ACTS[4], 15),),
}

if __name__ == "__main__":
    signals = Signals([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    sys.exit(play(PLAYS[sys.argv[1]], SETTINGS, signals))
