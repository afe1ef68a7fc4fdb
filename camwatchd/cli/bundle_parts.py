# SPDX-License-Identifier: MIT
"""Owns what goes into the archive for a bug report: each part is there, or says why it is not."""

import json
import platform
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from camwatchd import __version__
from camwatchd.adapters import host_facts
from camwatchd.adapters.config import load_named
from camwatchd.adapters.config_text import effective
from camwatchd.adapters.ledger_story import History, Incident
from camwatchd.cli import arming, documents, history_text, incident_text, status_text, unit
from camwatchd.cli.bundle import Part
from camwatchd.control.client import Client, ControlError
from camwatchd.control.facts import StatusFacts
from camwatchd.control.protocol import Status
from camwatchd.core.plain import to_plain
from camwatchd.errors import ConfigError

_AROUND = timedelta(minutes=10)  # of the journal, before and after the incident
_A_FRAME = 5.0  # seconds to wait for one
_LINES = 5000  # of the journal
_JOURNALCTL = (
    "journalctl", "--no-pager", "--no-hostname", "--output=short-iso", f"--lines={_LINES}", "--quiet",
)  # fmt: skip
_PATIENCE = 30.0  # seconds for one tool; a journal on an SD card is slow
_CLOCK = "%Y-%m-%d %H:%M:%S"  # as the ledger writes the time of day
_PACKAGES = (
    "camwatchd", "libcamera*", "python3-libcamera", "python3-picamera2", "rpicam-apps*", "raspi-firmware", "systemd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where the daemon and its configuration are."""

    socket: str
    config: Path
    conf_dir: Path


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it all comes from."""

    incident: Incident
    history: History
    ledger: dict[str, Any]  # all of it
    place: Place


def parts(sources: Sources, incident: dict[str, Any]) -> list[Part]:
    """All of them; `incident` is the one in question as JSON has it."""
    history = sources.history
    return [
        Part("incident.txt", "the incident", incident_text.text(sources.incident)),
        Part("incident.json", "the same for programs", _json(incident)),
        Part("history.txt", "boots and incidents, newest first", history_text.text(history, ())),
        Part("history.json", "the same for programs", _json(to_plain(history))),
        *_of_now(sources.place),
        journal("journal.txt", "what the service logged around that time", sources.incident, ("--unit", unit.UNIT)),
        journal("kernel.txt", "what the kernel logged around that time", sources.incident, ("--dmesg",)),
        Part("ledger.json", "the whole ledger", _json(sources.ledger)),
    ]  # fmt: skip


def without_ledger(place: Place, ledger: Path, why: str) -> list[Part]:
    """What there is to know where the ledger is damaged: the file itself, for whoever can save something of it."""
    return [
        Part("incident.txt", "", missing=why),
        *(_raw(path) for path in (ledger, ledger.with_name(f"{ledger.name}-journal")) if path.exists()),
        *_of_now(place),
        _last_lines("journal.txt", "what the service logged", ("--unit", unit.UNIT)),
        _last_lines("kernel.txt", "what the kernel logged", ("--dmesg",)),
    ]


def _raw(path: Path) -> Part:
    try:
        return Part(
            path.name, "the damaged ledger as it is; try: sqlite3 FILE .recover", data=path.read_bytes()
        )
    except OSError as error:
        return Part(path.name, "", missing=f"{path}: {error.strerror}")


def _of_now(place: Place) -> list[Part]:
    return [
        *_status(place.socket),
        _config(place.config, place.conf_dir),
        Part("versions.json", "what is installed now, and how the machine does now", _json(_versions())),
    ]


def _status(socket: str) -> list[Part]:
    try:
        with Client(socket) as client:
            facts = client.ask(Status())
    except ControlError as error:
        why = "; ".join(filter(None, [error.message, unit.said()]))
        return [Part("status.txt", "", missing=why)]
    assert isinstance(facts, StatusFacts)
    armed = arming.of_status(facts)
    return [
        Part("status.txt", "the daemon's status now", status_text.text(facts, armed)),
        Part("status.json", "the same for programs", _json(documents.status_document(facts, armed))),
    ]


def picture(socket: str, camera: str) -> Part:
    """What the camera sees now, for whoever asked for it."""
    from camwatchd.client import to_jpeg
    from camwatchd.client.camera import Camera
    from camwatchd.client.errors import FrameError

    name, about = "picture.jpg", f"what {camera} sees now"
    try:
        with Camera(camera, socket=socket) as source:
            return Part(name, about, data=to_jpeg(source.capture_array(_A_FRAME)))
    except (FrameError, RuntimeError, ValueError) as error:
        return Part(name, "", missing=" ".join(str(error).split()))


def _config(main: Path, drop_ins: Path) -> Part:
    try:
        return Part(
            "config.toml",
            "the values in force and where they are from",
            effective(load_named(main, drop_ins)),
        )
    except ConfigError as error:
        # Without the values: nobody knows what was written there.
        wrong = [f"{p.file}: {p.key}: expected {p.expected}" for p in error.problems]
        return Part("config.toml", "", missing=f"it cannot be used: {'; '.join(wrong)}")
    except OSError as error:
        return Part("config.toml", "", missing=f"{error.filename}: {error.strerror}")


def _versions() -> dict[str, Any]:
    listed = _output(["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *_PACKAGES])
    return {
        "camwatchctl": __version__,
        "python": platform.python_version(),
        "system": _of_system().get("PRETTY_NAME", ""),
        "packages": dict(line.split(" ", 1) for line in listed.splitlines() if line.count(" ") == 1),
        "machine_now": to_plain(host_facts.Lookout()()),
    }


def _of_system() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def journal(name: str, about: str, incident: Incident, what: Sequence[str]) -> Part:
    """Of that boot; of the time around it if the clock can be believed, else the last lines."""
    boot = f"--boot={incident.headline.boot.replace('-', '')}"
    if (window := _window(incident)) and (found := _output([*_JOURNALCTL, boot, *what, *window])):
        return Part(name, about, found)
    return _last_lines(name, about.split(" around")[0], (boot, *what), " of that boot")


def _last_lines(name: str, about: str, what: Sequence[str], which: str = "") -> Part:
    problems: list[str] = []
    if found := _output([*_JOURNALCTL, *what], problems.append):
        return Part(name, f"{about}, the last {_LINES} lines", found)
    none = f"the journal has nothing{which}, or may not be read by this user"
    return Part(name, "", missing="; ".join(dict.fromkeys(problems)) or none)


def _window(incident: Incident) -> Sequence[str]:
    head = incident.headline
    try:
        began = datetime.strptime(head.wall, _CLOCK)  # as the machine had it, as journalctl takes it
    except ValueError:
        return ()
    ended = began + timedelta(seconds=head.seconds) + _AROUND
    return f"--since={began - _AROUND:{_CLOCK}}", f"--until={ended:{_CLOCK}}"


def _output(command: Sequence[str], complain: Callable[[str], object] = lambda _: None) -> str:
    """What a tool prints; empty where there is no such tool, or it has nothing to say."""
    try:
        done = subprocess.run(  # noqa: S603  # our own words, and no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        complain(f"{command[0]}: {error.strerror if isinstance(error, OSError) else 'it does not end'}")
        return ""
    if wrong := _first_line(done.stderr.decode(errors="replace").splitlines()):
        complain(wrong)
    return done.stdout.decode(errors="replace")


def _first_line(lines: Iterable[str]) -> str:
    return next((line.strip() for line in lines if line.strip()), "")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
