# SPDX-License-Identifier: MIT
"""Owns what the actions of recovery cost: measured on a real daemon with the simulated camera, or assumed for a Pi."""

import argparse
import statistics
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path

from camwatchd.core.arithmetic import RESTART
from tests.bench.soak.plan import FRAME_RATE
from tests.bench.soak.virtual import Costs
from tests.process.daemon import QUICK, camera, daemon

# Assumed. Imports: 2 to 6 s, and picamera2's own examples open within a second; first frame and restart as they
# were on the emulated USB camera. A Pi 4 boots Raspberry Pi OS Lite to its services in some 30 s.
PI = Costs(imports=4.0, open=1.0, first=0.5, restart=0.8, end=0.5, service=RESTART + 2.0, boot=45.0)
BOOT = 45.0  # s; nothing here can be rebooted to measure it

_RUNS = 3
_AT = 60  # frames
_CALM = 2 * FRAME_RATE
_PROOF = 2 / FRAME_RATE  # s from the first frame to the third, which proves the recovery

_STREAM, _WORKER = "restart-stream", "restart-worker"
_BY_THE_LADDER = QUICK + camera(
    "cam0", {"kind": "stall", "until": _STREAM, "at_frame": _AT}, {"kind": "crash", "at_frame": _AT + _CALM},
    frame_rate=FRAME_RATE,
)  # fmt: skip
# Here the worker lives, and is ended first.
_BY_A_WORKER = QUICK.replace("attempts = 1", "enabled = false") + camera(
    "cam0", {"kind": "stall", "until": _WORKER, "at_frame": _AT}, frame_rate=FRAME_RATE
)

Sample = dict[str, float]


def options(parser: argparse.ArgumentParser) -> None:
    """One for each of the assumptions."""
    for field in fields(Costs):
        if field.name != "frame":
            text = f"seconds assumed for a Pi ({getattr(PI, field.name):g})"
            parser.add_argument(f"--{field.name}", type=float, metavar="S", help=text)


def assumed(asked: argparse.Namespace) -> Costs:
    """Those of a Pi, as far as the command line does not say otherwise."""
    given = {name: value for name, value in vars(asked).items() if hasattr(PI, name) and value is not None}
    return replace(PI, **given)


def measured() -> Costs:
    """Medians of a few runs on this machine."""
    samples = [_climb(_BY_THE_LADDER) | _end(_BY_A_WORKER) for _ in range(_RUNS)]
    middle = {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}
    end = max(0.0, middle.pop("replaced") - middle["imports"])
    return Costs(**middle, end=end, boot=BOOT)


def _climb(config: str) -> Sample:
    """A restart of the stream and a fresh worker, from the orders to the frames."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, daemon(Path(folder), config) as rig:
        up = rig.event("daemon.started")
        ordered = rig.event("ladder.action_started", rung=_STREAM)
        flowing = rig.event("alert.recovery", rung=_STREAM)
        fresh = rig.event("ladder.action_started", rung=_WORKER)
        opened = rig.event("camera.opened", since=fresh.number)
        back = rig.event("alert.recovery", rung=_WORKER)
    return {
        "imports": opened["monotonic"] - opened["seconds"] - fresh["monotonic"],
        "open": opened["seconds"],
        "first": back["monotonic"] - opened["monotonic"] - _PROOF,
        "restart": flowing["monotonic"] - ordered["monotonic"] - _PROOF,
        "service": RESTART + up["monotonic"] - began,
    }


def _end(config: str) -> Sample:
    """The same with a worker that must be ended first."""
    with tempfile.TemporaryDirectory() as folder, daemon(Path(folder), config) as rig:
        ordered = rig.event("ladder.action_started", rung=_WORKER)
        opened = rig.event("camera.opened", since=ordered.number)
    return {"replaced": opened["monotonic"] - opened["seconds"] - ordered["monotonic"]}
