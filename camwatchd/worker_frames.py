# SPDX-License-Identifier: MIT
"""Owns what is reported about a frame that arrived: healthy with its numbers, or failed with its reason."""

from collections.abc import Callable

from camwatchd.adapters.picture import PictureCheck, Verdict
from camwatchd.cameras.base import Frame
from camwatchd.core.liveness import Cadence, Tick, late_after
from camwatchd.core.messages import CaptureFailed, Frames, Open, Remark

# A sensor timestamp further from our clock than this comes from another clock (CLOCK_BOOTTIME after a suspend,
# a device's own count) and tells nothing about latency.
_COMPARABLE = 60.0


class FrameCheck:
    """Judges the frames of one camera, one after the other; every frame is released when it was judged."""

    def __init__(self, order: Open, clock: Callable[[], float]) -> None:
        self.cadence = Cadence(order.camera.frame_rate)
        self._picture = PictureCheck(order.camera.checks, order.suspect, order.picture)
        self._clock = clock
        self.remark: Remark | None = None  # what the last frame gave occasion to say

    def judge(self, frame: Frame, readable_at: float, gap: float, waited: float) -> Frames | CaptureFailed:
        """`gap`: since the frame before (0: the first of its stream); `waited`: since the request."""
        late = gap > late_after(self.cadence.frame_duration)
        tick = self.cadence.observe(frame.sequence, frame.sensor_timestamp, frame.frame_duration)
        verdict = self._picture.judge(frame.sample, frame.encoded, readable_at)
        self.remark = Remark(*verdict.remark) if verdict.remark else None
        if tick.disorder:
            return CaptureFailed("out-of-order", tick.disorder, waited)
        if verdict.fault:
            return CaptureFailed(verdict.fault, verdict.evidence, waited, verdict.picture)
        return self._healthy(frame, tick, verdict, late, readable_at)

    def _healthy(self, frame: Frame, tick: Tick, verdict: Verdict, late: bool, readable_at: float) -> Frames:
        latency = self._latency(frame.sensor_timestamp / 1e9, readable_at)
        return Frames(
            count=1,
            sequence=frame.sequence,
            sensor_timestamp=frame.sensor_timestamp,
            frame_duration=self.cadence.frame_duration,
            latency=latency,
            latency_max=latency,
            late=int(late),
            dropped=tick.dropped,
            mean=round(verdict.mean, 2),
            deviation=round(verdict.deviation, 2),
            oldest=readable_at,
        )

    def _latency(self, exposed_at: float, readable_at: float) -> float:
        now = self._clock()
        comparable = 0 <= now - exposed_at < _COMPARABLE
        return round(now - (exposed_at if comparable else readable_at), 6)
