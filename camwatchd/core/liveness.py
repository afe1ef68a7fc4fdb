# SPDX-License-Identifier: MIT
"""Owns how long is too long: every deadline that follows the frame duration, and the frame duration itself.

Supervisor and worker ask the same functions, so that both mean the same by late, failed and silent.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from camwatchd.core.settings import Supervision

# What cameras do when nothing else is configured: picamera2's preview and video configurations and UVC.
DEFAULT_FRAME_DURATION = 1 / 30
# Sony's IMX477 exposes for at most 670 s; a longer frame is a broken number, and no deadline may follow it.
LONGEST_FRAME_DURATION = 1000.0

_LATE_FRAMES = 3
_DEADLINE_FRAMES = 10
# libcamera's own watchdog on the Pi (pipeline/rpi/common, setCameraTimeout) expires after max(1 s, 5 frames)
# and says why. Ours must expire later on both counts, or the reason is never heard.
_FLOOR_FRAMES = 6
_FLOOR = 1.5

# Seconds of importing after which it is told of: numpy and picamera2 take 2 to 6 s on a Pi. It may hang like opening
# does, for picamera2 opens every video device while it is imported (picamera2/platform.py).
SLOW_IMPORT = 8.0
# Seconds of opening after which it is told of. Cameras open in well under 2 s; a USB control request that goes
# unanswered takes 5 s (UVC_CTRL_STREAMING_TIMEOUT in the kernel's uvcvideo.h), and then the kernel has said why.
SLOW_OPEN = 5.5

# Seconds after which a call into the camera counts as hanging, and the worker dumps its stack. Measured on a USB
# camera that does not answer: open and configure 30.7 s, start and stop 5.1 s each, and then they do return. A bound
# must be longer than what it times; together they must fit into the time-outs of the ladder's rungs (tested).
CALL_BOUNDS = {"open": 35.0, "start": 10.0, "stop": 10.0, "close": 10.0, "cancel": 5.0}


def expected_frame_duration(frame_rate: float | None) -> float:
    """What to assume until frames have told: the configured rate, else what cameras usually do."""
    return 1 / frame_rate if frame_rate else DEFAULT_FRAME_DURATION


def late_after(frame_duration: float) -> float:
    """Without a frame for so long it is late: said, not acted on."""
    return _LATE_FRAMES * frame_duration


def frame_deadline(frame_duration: float, rules: Supervision) -> float:
    """Without a frame for so long the capture has failed: clamp(10 frames, 1.5 s, frame_timeout).

    A frame_timeout below 1.5 s is the operator's word and wins over the floor; nothing wins over six frames.
    """
    adapted = min(max(_DEADLINE_FRAMES * frame_duration, _FLOOR), rules.frame_timeout)
    return not_below_the_floor(adapted, frame_duration)


def first_frame_deadline(frame_duration: float, rules: Supervision) -> float:
    """The longest wait for the first frame after a start."""
    return not_below_the_floor(rules.first_frame_timeout, frame_duration)


def no_frame_deadline(frame_duration: float, rules: Supervision) -> float:
    """Without a healthy frame for so long it is a fault, whatever was counted."""
    return not_below_the_floor(rules.no_frame_timeout, frame_duration)


def not_below_the_floor(deadline: float, frame_duration: float) -> float:
    """No deadline may be shorter than six frames."""
    return max(deadline, _FLOOR_FRAMES * frame_duration)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one frame's number and timestamp tell: frames missed before it, and what is out of order, if so."""

    dropped: int = 0
    disorder: str = ""


class Cadence:
    """Follows number and timestamp of the frames of one stream: order, gaps and frame duration.

    The camera's own word for the duration counts, the longest of the last few (as libcamera's watchdog does:
    exposure may be on its way back). A camera that says nothing is measured: the median of the distances
    between timestamps, which neither a stall nor a burst can bend.
    """

    _RECENT = 5  # reported durations
    _MEASURED = 9  # distances
    _ENOUGH = 3  # distances before a measurement counts

    def __init__(self, frame_rate: float | None = None) -> None:
        self.frame_duration = expected_frame_duration(frame_rate)
        self._reported: deque[float] = deque(maxlen=self._RECENT)
        self._distances: deque[float] = deque(maxlen=self._MEASURED)
        self.restart()

    def restart(self) -> None:
        """A new stream may count from zero; the duration stays as the best guess."""
        self._sequence = -1
        self._timestamp = 0

    def observe(self, sequence: int, timestamp: int, reported: float) -> Tick:
        """Take in one frame: its number (-1: none), its timestamp (ns; 0: none), its duration (s; 0: none)."""
        tick = Tick(self._dropped(sequence), self._disorder(sequence, timestamp))
        self._measure(tick, timestamp, reported)
        # The last one seen, not the highest: after a single jump the frames behind it are in order again,
        # and restarting a stream for that would do more harm than the jump.
        self._sequence, self._timestamp = sequence, timestamp
        return tick

    def _dropped(self, sequence: int) -> int:
        return max(0, sequence - self._sequence - 1) if self._sequence >= 0 else 0

    def _disorder(self, sequence: int, timestamp: int) -> str:
        if self._timestamp > 0 and 0 < timestamp <= self._timestamp:
            return _backwards("timestamp", self._timestamp, timestamp)
        if 0 <= sequence <= self._sequence:
            return _backwards("sequence", self._sequence, sequence)
        return ""

    def _measure(self, tick: Tick, timestamp: int, reported: float) -> None:
        if reported > 0:
            self._reported.append(reported)
            self.frame_duration = min(max(self._reported), LONGEST_FRAME_DURATION)
        elif self._timestamp > 0 and timestamp > 0 and not tick.disorder:
            self._distances.append((timestamp - self._timestamp) / 1e9 / (tick.dropped + 1))
            if len(self._distances) >= self._ENOUGH:
                self.frame_duration = min(_median(self._distances), LONGEST_FRAME_DURATION)


def _median(values: Iterable[float]) -> float:
    """As that of `statistics`, which takes every process of ours 3 ms to import."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


def _backwards(what: str, before: int, now: int) -> str:
    return f"{what} stands still at {now}" if now == before else f"{what} went back from {before} to {now}"
