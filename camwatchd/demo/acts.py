# SPDX-License-Identifier: MIT
"""Owns the demo's five acts: what is done to the camera, what should cure it, and the configuration that says so."""

from collections.abc import Sequence
from dataclasses import dataclass

from camwatchd.core.ladder import Rung


@dataclass(frozen=True, slots=True)
class Act:
    """One fault: its name in the table, what to tell a newcomer, and which rung should cure it."""

    title: str
    story: str
    cure: Rung
    script: str  # TOML keys of its [[camera.cam0.fault]]


# The beginnings are counted in frames: 150 of them are 5 s in which the camera must be healthy between two acts,
# longer than `stable_after` below, so that each act starts at the foot of the ladder. On a slow machine it waits.
ACTS: tuple[Act, ...] = (
    Act(
        "a hiccup",
        "A frame does not arrive. That happens, and nobody should be woken up for it:\n"
        "the capture is given up and tried again.",
        Rung.RETRY,
        'kind = "stall"\nat_frame = 100\nuntil = "retry"',
    ),
    Act(
        "frames stop",
        "No frame any more, no error, no log line: just silence. Three missed captures\n"
        "are a fault. The weakest remedy comes first: stop the stream and start it again.",
        Rung.RESTART_STREAM,
        'kind = "stall"\nat_frame = 250\nuntil = "restart-stream"',
    ),
    Act(
        "the picture freezes",
        "Frames keep coming, each with the same picture. Only looking at them can tell\n"
        "(here after 3 s, by default after 10 s).",
        Rung.RESTART_STREAM,
        'kind = "frozen"\nat_frame = 400\nuntil = "restart-stream"',
    ),
    Act(
        "the capture process crashes",
        "A segmentation fault in the camera stack. It kills only the worker, a process\n"
        "that can be replaced; the daemon lives on.",
        Rung.RESTART_WORKER,
        'kind = "crash"\nat_frame = 650',
    ),
    Act(
        "a worker hangs and refuses to die",
        "A call into the camera stack never returns. The worker is asked to end (SIGTERM),\n"
        "told to (SIGABRT), both in vain; after 2 s each, SIGKILL ends it.",
        Rung.RESTART_WORKER,
        'kind = "hang"\nat_frame = 800\nrefuse_signals = true\nuntil = "restart-worker"',
    ),
)

# Times are shortened here and nowhere else, so that a minute is enough.
SETTINGS = """\
[daemon]
log_format = "json"      # the demo reads it and shows it as text
summary_interval = 4     # where the availability in the table comes from (default: one hour)

[supervision]
stable_after = 3         # so long in health, and the ladder starts from its foot (default: 300 s)

[camera.cam0]
backend = "simulated"

[camera.cam0.checks]
frozen_after = 3         # default: 10 s
"""


def configuration(settings: str, acts: Sequence[Act]) -> str:
    """The daemon's configuration file."""
    scripts = (f"[[camera.cam0.fault]]  # {act.title}\n{act.script}\n" for act in acts)
    return "\n".join([settings, *scripts])
