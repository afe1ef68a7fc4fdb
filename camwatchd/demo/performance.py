# SPDX-License-Identifier: MIT
"""Owns the demo's course: headings before the acts, the daemon's log as text, the table, and the exit status."""

import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from camwatchd.adapters import console
from camwatchd.adapters.entry import LABELS, Entry
from camwatchd.demo.acts import Act
from camwatchd.demo.stage import Stage
from camwatchd.demo.tale import Event, Tale
from camwatchd.loop import Loop, Signals

LIMIT = 75.0  # seconds; what has not happened by then will not
_END_LIMIT = 6.0  # seconds from SIGTERM to the daemon's last line; the daemon itself needs less than 5
_PRIORITIES = {label.lower(): priority for priority, label in LABELS.items()}
_PROLOGUE = """\
The real camwatchd supervises a simulated camera that lives through {count} faults, in about a minute.
It was started as: {command}
"""
_EPILOGUE = """\
Times count from the moment at which the fault began; health: lowest and last score (of 100);
availability: share of healthy time since the daemon's start.
"""


class Performance:
    """One run of all acts."""

    def __init__(self, stage: Stage, acts: Sequence[Act], signals: Signals, *, colours: bool) -> None:
        self._stage, self._acts, self._signals, self._colours = stage, acts, signals, colours
        self._tale = Tale(acts)
        self._announced = 0
        self._interrupted: signal.Signals | None = None
        self._render = console.text(colours)
        self._loop = Loop()
        self._loop.watch(signals.fileno(), self._interrupt)
        self._loop.watch(stage.fileno(), self._listen)

    def run(self) -> int:
        """Play; the exit status."""
        _say(_PROLOGUE.format(count=len(self._acts), command=" ".join(self._stage.command)))
        until = time.monotonic() + LIMIT
        while not (self._tale.over or self._interrupted or self._stage.ended) and time.monotonic() < until:
            self._loop.turn(until - time.monotonic())
        died = self._stage.ended
        self._stage.ask_to_end()
        until = time.monotonic() + _END_LIMIT
        while not self._stage.ended and time.monotonic() < until:
            self._loop.turn(until - time.monotonic())
        return self._verdict(died)

    def _interrupt(self) -> None:
        for number in self._signals.arrived():
            self._interrupted = self._interrupted or number

    def _listen(self) -> None:
        for said in self._stage.read():
            if isinstance(said, str):
                _say(said)
            else:
                self._tell(said)
        if self._stage.ended:
            self._loop.forget(self._stage.fileno())

    def _tell(self, event: Event) -> None:
        self._tale.hear(event, self._stage.beginnings(len(self._acts)))
        # The summaries that give the availability would come every 4 s; nobody wants to read that.
        if event["event"] != "camera.summary":
            _say(self._text(event))
        if event["event"] == "camera.started" or self._tale.told > self._announced - 1 >= 0:
            self._announce()

    def _announce(self) -> None:
        if self._announced == len(self._acts):
            return
        act = self._acts[self._announced]
        self._announced += 1
        heading = f"--- act {self._announced} of {len(self._acts)}: {act.title} ".ljust(80, "-")
        _say(f"\n{self._bold(heading)}\n{act.story}\nShould be cured by: {act.cure}\n")

    def _text(self, event: Event) -> str:
        wall = datetime.fromisoformat(event["time"]).timestamp()
        priority, facts = _PRIORITIES[event["level"]], {"camera": event.get("camera")}
        entry = Entry(event["event"], event["message"], priority, event["monotonic"], wall, facts)
        return self._render(entry).decode().rstrip("\n")

    def _verdict(self, died: bool) -> int:
        _say(f"\n{self._tale.table()}\n\n{_EPILOGUE}")
        if self._interrupted:
            _say(f"Interrupted after {self._tale.cured} of {len(self._acts)} acts; the daemon has ended.")
            return 128 + self._interrupted
        complaints = self._tale.complaints() + ["the daemon ended by itself"] * died
        if complaints:
            _say("\n".join(["NOT as it should be:", *(f"  {line}" for line in complaints)]))
            return 1
        _say(f"All {len(self._acts)} faults were noticed and cured, each by the rung that is there for it.")
        return 0

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colours else text


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
