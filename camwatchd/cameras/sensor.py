# SPDX-License-Identifier: MIT
"""Owns the sensor of the simulated camera: a thread that exposes a frame at each frame time, from start to stop.

It stands for the threads of picamera2: the descriptor becomes readable when the frame is there, whatever the
worker is doing. Scripted faults strike from here, because they strike whether or not somebody waits for a frame.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from camwatchd.cameras import mishaps
from camwatchd.cameras.memory import Runner
from camwatchd.cameras.pictures import Look
from camwatchd.cameras.script import CUES, stalls
from camwatchd.cameras.wake import Wake
from camwatchd.core.settings import ScriptedFault

_SWAPPED = 5  # frames; so far back an out-of-order frame comes from


@dataclass(frozen=True, slots=True)
class Shot:
    """One exposed frame that waits to be taken; its picture is drawn when it is."""

    number: int  # over all streams and workers
    sequence: int  # since the stream was started
    timestamp: float
    look: Look
    fault: ScriptedFault | None  # what taking it meets: error or truncated


class Sensor:
    """One stream: made by start, ended by stop, never used again."""

    def __init__(
        self, runner: Runner, wake: Wake, interval: float, link_fd: int, has_buffer: Callable[[], bool]
    ) -> None:
        self._runner = runner
        self._wake = wake
        self._interval = interval
        self._link_fd = link_fd
        self._has_buffer = has_buffer
        self._struck: set[int] = set()
        self._lock = threading.Lock()  # guards the two below
        self._shot: Shot | None = None
        self._wanted = False
        self._ended = threading.Event()
        self.failure: BaseException | None = None
        self.unplugged = False
        self._thread = threading.Thread(target=self._run, name="sensor", daemon=True)
        self._thread.start()

    def want(self) -> None:
        """Ask for the next frame, or the one in hand that nobody took."""
        with self._lock:
            if self._wanted:
                raise RuntimeError("a request is already pending")
            self._wanted = True
            if self._shot or self.failure:
                self._wake.set()

    def take(self) -> Shot:
        """The frame that was asked for."""
        with self._lock:
            self._wake.clear()
            if self._shot is None or not self._wanted:
                raise BlockingIOError("no frame has arrived")
            shot, self._shot, self._wanted = self._shot, None, False
            return shot

    def cancel(self) -> None:
        """Ask no longer; a frame that arrived meanwhile stays in hand."""
        with self._lock:
            self._wanted = False
            self._wake.clear()

    def end(self) -> None:
        """Stop exposing."""
        self._ended.set()
        self._thread.join()
        self.cancel()

    def _run(self) -> None:
        try:
            self._expose()
        except BaseException as error:
            with self._lock:
                self.failure = error
                self._wake.set()

    def _expose(self) -> None:
        clock = self._runner.clock
        due, sequence = clock() + self._interval, 0
        while not self._ended.wait(max(0.0, due - clock())):
            interval = self._pace()
            lost = int((clock() - due) / interval)  # slept through: a sensor does not wait, nor catch up
            due, sequence = due + lost * interval, sequence + lost
            self._tick(due, sequence)
            due, sequence = due + self._pace(), sequence + 1

    def _pace(self) -> float:
        slow = self._runner.find("slow")
        return max(self._interval, slow.amount) if slow else self._interval

    def _tick(self, due: float, sequence: int) -> None:
        self._runner.look()
        faults = self._runner.active
        for index, fault in faults.items():
            if fault.kind in CUES and index not in self._struck:
                self._struck.add(index)
                self._runner.spend(index)
                mishaps.strike(fault, self._link_fd)
        self.unplugged = self.unplugged or self._runner.find("gone") is not None
        if self.unplugged or any(stalls(fault) for fault in faults.values()):
            return
        number = self._runner.count_frame()
        drop = self._runner.find("drop")
        if (drop and sequence % 10 < drop.amount) or not self._has_buffer():
            return
        self._deliver(self._shoot(number, sequence, due))

    def _shoot(self, number: int, sequence: int, due: float) -> Shot:
        look = self._runner.find("black", "saturated", "frozen")
        back = _SWAPPED if self._runner.find("out-of-order") and number % 2 else 0
        return Shot(
            number=number,
            sequence=max(0, sequence - back),
            timestamp=due - back * self._interval,
            look=_LOOKS[look.kind] if look else "normal",
            fault=self._runner.find("error", "truncated"),
        )

    def _deliver(self, shot: Shot) -> None:
        with self._lock:
            self._shot = shot
            if self._wanted:
                self._wake.set()


_LOOKS: dict[str, Look] = {"black": "black", "saturated": "saturated", "frozen": "frozen"}
