# SPDX-License-Identifier: MIT
"""Owns the programs of the comparison: how each is started, read, and by which of its lines it complains."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.vm.machine import Entry, Machine
from tests.vm.scene import UNIT, camera

FOLDER = "/opt/peers"
# By its name, not its number: as a careful administrator would write it, since the number may change.
DEVICE = "/dev/v4l/by-id/usb-*-video-index0"
_RESTARTED = r"Main process exited|Watchdog timeout|Scheduled restart job"
_UNIT_FILE = """
[Unit]
StartLimitIntervalSec=0
[Service]
WorkingDirectory={folder}
Environment=LIBCAMERA_PIPELINES_MATCH_LIST=uvcvideo PYTHONUNBUFFERED=1
ExecStart=/bin/sh -c 'exec {command}'
Restart=always
RestartSec=1
"""
_MOTION = """
daemon off
log_level 6
video_device {device}
video_params palette={palette}
width 320
height 240
framerate 30
text_right
stream_port 8080
stream_localhost on
stream_maxrate 30
stream_quality 80
picture_output off
movie_output off
"""


@dataclass(frozen=True, slots=True)
class Program:
    """`complaint` is a regular expression; what it finds in a line of the unit's journal is a complaint."""

    name: str
    title: str
    unit: str
    prepare: Callable[[Machine, str], None]
    complaint: str
    ready: str = ""  # what its journal says when it is done with starting
    reads: str = ""  # what a reader asks; the programs written here record by themselves what they got

    def complains(self, entry: Entry) -> bool:
        """In the journal."""
        return re.search(self.complaint, message(entry)) is not None or bool(
            self.unit == UNIT
            and re.match(r"alert\.(?!recovery)|capture\.failed|camera\.slow", entry.get("EVENT", ""))
        )


def message(entry: Entry) -> str:
    """Bytes that are no text come as numbers."""
    text = entry.get("MESSAGE") or ""
    return text if isinstance(text, str) else bytes(text).decode(errors="replace")


def _unit(machine: Machine, command: str) -> None:
    text = _UNIT_FILE.format(folder=FOLDER, command=command)
    machine.write("/etc/systemd/system/peer.service", text.encode())
    machine.run("systemctl daemon-reload", check=True)


def _python(module: str) -> Callable[[Machine, str], None]:
    return lambda machine, format_: _unit(machine, f"python3 -m tests.peers.guest.{module} {format_}")


def _ustreamer(machine: Machine, format_: str) -> None:
    size = "--resolution 320x240 --desired-fps 30"
    _unit(machine, f"ustreamer --device {DEVICE} --format {format_} {size} --port 8080 --no-log-colors")


def _motion(machine: Machine, format_: str) -> None:
    device = machine.run(f"echo {DEVICE}", check=True).stdout.strip()
    palette = {"MJPEG": 8, "YUYV": 15}[format_]
    machine.write(f"{FOLDER}/motion.conf", _MOTION.format(device=device, palette=palette).encode())
    _unit(machine, f"motion -n -c {FOLDER}/motion.conf")


def _camwatchd(machine: Machine, format_: str) -> None:
    """Everything as it is shipped; the level only makes it say when frames are late."""
    text = '[daemon]\nlog_level = "debug"\n' + camera(format_=format_)
    machine.write("/etc/camwatchd/conf.d/peers.toml", text.encode())


PROGRAMS = (
    Program(
        "bare",
        "bare picamera2 loop",
        "peer.service",
        _python("bare"),
        rf"Error|ERROR|Traceback|{_RESTARTED}",
    ),
    Program(
        "threaded",
        "thread with time-out",
        "peer.service",
        _python("threaded"),
        rf"Error|ERROR|Traceback|{_RESTARTED}",
    ),
    Program(
        "ustreamer",
        "ustreamer",
        "peer.service",
        _ustreamer,
        rf"ERROR|PERROR|WARN|{_RESTARTED}",
        reads="127.0.0.1:8080/stream?extra_headers=1",
    ),
    Program(
        "motion",
        "motion",
        "peer.service",
        _motion,
        rf"\[(ERR|WRN|ALR|ALERT|EMG|CRT)\]|{_RESTARTED}",
        reads="127.0.0.1:8080/",
    ),
    Program("camwatchd", "camwatchd", UNIT, _camwatchd, _RESTARTED, "standby.ready", "camwatchd"),
)
