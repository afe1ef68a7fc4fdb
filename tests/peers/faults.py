# SPDX-License-Identifier: MIT
"""Owns the faults that every program is put through: their steps in the machine, in the order of the table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """The steps are those of guest/direct.py; the last one that is no wait ends the fault."""

    name: str
    title: str
    steps: tuple[str, ...]
    format: str = "YUYV"
    frames_come: bool = False  # so that a late one has nothing to do with it


def _lasting(seconds: int, order: str) -> tuple[str, ...]:
    return (f"order:{order}", f"sleep:{seconds}", "order:normal")


FAULTS = (
    Fault("stall-5", "frames stop for 5 s", _lasting(5, "stall")),
    Fault("stall-60", "frames stop for 60 s", _lasting(60, "stall")),
    Fault("replug-3", "unplugged, plugged after 3 s", ("order:unplug", "sleep:3", "order:plug", "node")),
    Fault("replug-0", "unplugged and plugged without a gap", ("order:unplug", "order:plug", "node")),
    Fault("frozen", "frozen picture for 30 s", _lasting(30, "same"), frames_come=True),
    Fault(
        "unanswered",
        "control requests unanswered for 20 s, the program restarted in it",
        ("order:nosetup", "restart", "sleep:20", "order:normal"),
    ),
    Fault("wedged", "controller wedged for 30 s", ("stop:camera", "sleep:30", "continue:camera")),
    Fault("cut", "MJPEG cut to 10 % for 20 s", _lasting(20, "trunc 10"), "MJPEG", frames_come=True),
    Fault(
        "stopped",
        "the process with the camera stopped for 30 s",
        ("stop:holder", "sleep:30", "continue:holder"),
    ),
)
