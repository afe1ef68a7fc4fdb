# SPDX-License-Identifier: MIT
"""Owns the capture loop: one thread asleep until a frame, an order, a signal or the earliest deadline."""

import select
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from camwatchd.adapters.devices import LossWatch, nodes_of_usb
from camwatchd.cameras.base import Camera, CameraError, Frame
from camwatchd.core import liveness
from camwatchd.core.exits import WorkerExit
from camwatchd.core.ladder import Outcome
from camwatchd.core.messages import (
    EVIDENCE_LIMIT,
    Adjust,
    Adjusted,
    CameraFailed,
    CaptureFailed,
    Drill,
    Entering,
    Finished,
    Frames,
    Late,
    Open,
    Opened,
    Publish,
    Remark,
    Report,
    RestartStream,
    Stop,
    Streaming,
)
from camwatchd.frames.publisher import Publisher
from camwatchd.worker_calls import CallFailedError, announced, guarded
from camwatchd.worker_frames import FrameCheck
from camwatchd.worker_link import Link, refuse
from camwatchd.worker_report import Reporter, adjusted

if TYPE_CHECKING:
    from camwatchd.worker_drill import Pretending

T = TypeVar("T")

_LAST_WORDS = 1.0  # seconds that the end of the worker waits for room in the link


class CaptureLoop:
    """One camera, from open to close. Every announced call is followed by a report, which says that it returned."""

    def __init__(self, *, camera: Camera, order: Open, link: Link, wakeup: int) -> None:
        self._camera = camera
        self._rules = order.supervision
        self._check = FrameCheck(order, time.monotonic)
        self._link = link
        self._wakeup = wakeup
        self._reporter = Reporter(link.send)
        self._publisher = Publisher()
        self._adjusted: dict[str, Any] = dict(order.camera.controls)
        self._generation = 0
        self._fd: int | None = None  # becomes readable with the requested frame; None: nothing is requested
        self._asked_at = 0.0
        self._deadline: float | None = None  # of the request, or of a rest; None: there is no stream
        self._frame_at = 0.0  # the last frame, or else the start
        self._arrived = False  # the stream has given a frame
        self._grace = True  # the first request of a stream may wait longer
        self._late_told = False
        self._losses: LossWatch | None = None  # of the camera's nodes, if it can be unplugged
        self._lost = False
        self._pretending: Pretending | None = None  # around the camera, in a drill

    def run(self) -> WorkerExit:
        """Until something ends it; the return value says what."""
        try:
            self._open()
            self._start()
        except CallFailedError as failed:
            self._trouble(failed.report)
            self._link.drain(_LAST_WORDS)
            return WorkerExit.CAMERA_FAILED
        while (ending := self._turn()) is None:
            pass
        # libcamera aborts when a camera that is gone is stopped (0.4.0); the end of the process frees everything.
        return ending if self._lost else self._leave(ending)

    def _turn(self) -> WorkerExit | None:
        ready = self._sleep()
        if self._wakeup in ready:
            return WorkerExit.CLEAN
        if self._link.fileno() in ready:
            self._link.flush()
            return self._obey()  # it may have changed the stream: look at the camera with fresh eyes
        if self._losses is not None and self._losses.fileno() in ready and (node := self._losses.lost()):
            return self._unplugged(node)
        if self._fd is not None and self._fd in ready:
            self._take()
        self._mind_the_clock(time.monotonic())
        return None

    def _sleep(self) -> set[int]:
        poll = select.poll()
        poll.register(self._link.fileno(), select.POLLIN | (select.POLLOUT if self._link.backlog else 0))
        poll.register(self._wakeup, select.POLLIN)
        if self._fd is not None:
            poll.register(self._fd, select.POLLIN)
        if self._losses is not None and self._losses.fileno() >= 0:
            poll.register(self._losses.fileno(), select.POLLIN)
        return {fd for fd, _ in poll.poll(self._patience())}

    def _patience(self) -> float | None:
        """Milliseconds until the earliest deadline; None: there is none."""
        deadlines = (self._deadline, self._late_at())
        earliest = min((at for at in deadlines if at is not None), default=None)
        return None if earliest is None else max(0.0, earliest - time.monotonic()) * 1000

    def _late_at(self) -> float | None:
        if self._late_told or not self._arrived or self._deadline is None:
            return None
        return self._frame_at + liveness.late_after(self._check.cadence.frame_duration)

    def _mind_the_clock(self, now: float) -> None:
        late_at = self._late_at()
        if late_at is not None and now >= late_at:
            self._late_told = True
            self._tell(Late(now - self._frame_at))
        if self._deadline is not None and now >= self._deadline:
            self._missed(now) if self._fd is not None else self._ask()

    # --- orders ---------------------------------------------------------------------------------------

    def _obey(self) -> WorkerExit | None:
        match self._link.receive():
            case WorkerExit() as ending:
                return ending
            case Stop():
                return WorkerExit.CLEAN
            case RestartStream(order):
                self._restart(order)
            case Adjust(order, controls):
                self._adjust(order, controls)
            case Publish(streams):
                self._rings(streams)
            case Drill(exercise, seconds):
                return self._pretend(exercise, seconds)
            case Open():
                return refuse("a second Open")
        return None

    def _restart(self, order: int) -> None:
        began = time.monotonic()
        try:
            self._stop()
            self._call("start", self._camera.start)
        except CallFailedError as failed:
            self._trouble(failed.report)
            detail = " < ".join(failed.report.chain)[:EVIDENCE_LIMIT]
            self._tell(Finished(order, Outcome.FAILED, detail, time.monotonic() - began))
            return
        self._be_honest()
        seconds = time.monotonic() - began
        self._tell(Finished(order, Outcome.SUCCEEDED, "", seconds))
        self._started(seconds)

    def _adjust(self, order: int, controls: dict[str, Any]) -> None:
        """A refusal is the asker's, and no fault of the camera."""
        try:
            self._camera.adjust(controls)
            self._adjusted.update(controls)
            offered = dict(self._camera.offered())
        except Exception as error:
            problem = str(error) if isinstance(error, CameraError) else repr(error)
            self._tell(Adjusted(order, problem[:EVIDENCE_LIMIT] or "no reason was given"))
            return
        self._tell(adjusted(order, self._adjusted, offered))

    def _pretend(self, exercise: str, seconds: float) -> WorkerExit | None:
        from camwatchd import worker_drill  # hardly any worker ever needs it

        worker_drill.strike(exercise, seconds)
        if exercise == worker_drill.UNOPENED:
            self._trouble(worker_drill.failure())
            return WorkerExit.CAMERA_FAILED
        self._be_honest()
        self._camera = self._pretending = worker_drill.Pretending(self._camera, exercise, seconds)
        self._fd = None if self._fd is None else self._camera.fileno()
        return None

    def _be_honest(self) -> None:
        if self._pretending is not None:
            self._camera, self._pretending = self._pretending.end(), None

    def _rings(self, streams: tuple[str, ...]) -> None:
        try:
            self._publisher.use(streams, self._link.take_descriptors())
        except (OSError, ValueError) as error:  # no address space is left for them: 32-bit machines
            self._tell(Remark("frames-unpublished", f"no frames for applications: {error}"[:EVIDENCE_LIMIT]))

    def _leave(self, ending: WorkerExit) -> WorkerExit:
        for step in (self._stop, lambda: self._call("close", self._camera.close)):
            try:
                step()
            except CallFailedError as failed:
                self._trouble(failed.report)
                ending = ending or WorkerExit.CAMERA_FAILED
        self._link.drain(_LAST_WORDS)
        return ending

    # --- open, start, stop ----------------------------------------------------------------------------

    def _open(self) -> None:
        began = time.monotonic()
        who = self._call("open", self._camera.open)
        seconds = time.monotonic() - began
        self._publisher.streams = who.streams
        self._tell(
            Opened(
                who.camera_id, who.model, who.format, who.width, who.height, seconds, who.usb, who.streams
            )
        )
        for text in who.remarks:
            self._tell(Remark("adjusted", text))
        if nodes := nodes_of_usb(who.usb):
            self._losses = LossWatch(nodes)

    def _unplugged(self, node: str) -> WorkerExit:
        """Said by the kernel at once; the camera stack only finds out when it next asks for a frame, if at all."""
        self._lost = True
        self._trouble(CameraFailed("capture", (f"/dev/{node} was removed",), "device-gone"))
        self._link.drain(_LAST_WORDS)
        return WorkerExit.CAMERA_FAILED

    def _start(self) -> None:
        began = time.monotonic()
        self._call("start", self._camera.start)
        self._started(time.monotonic() - began)

    def _started(self, seconds: float) -> None:
        self._arrived, self._grace, self._late_told = False, True, False
        self._generation += 1
        self._check.cadence.restart()
        self._trouble(Streaming(self._generation, seconds))
        self._frame_at = time.monotonic()
        self._ask()

    def _stop(self) -> None:
        """Whatever comes of it, this stream gives no more frames."""
        self._fd = self._deadline = None
        self._call("cancel", self._camera.cancel)
        self._call("stop", self._camera.stop)

    # --- captures -------------------------------------------------------------------------------------

    def _ask(self) -> None:
        try:
            guarded("request", self._camera.request)
            self._fd = guarded("fileno", self._camera.fileno)
        except CallFailedError as failed:
            self._rest(failed.report)
            return
        self._asked_at = time.monotonic()
        patience = liveness.first_frame_deadline if self._grace else liveness.frame_deadline
        self._deadline = self._asked_at + patience(self._check.cadence.frame_duration, self._rules)

    def _rest(self, report: CameraFailed) -> None:
        """After an exception: ask again, but only after the time that a missed frame would have taken."""
        self._fd = None
        self._trouble(report)
        rest = liveness.frame_deadline(self._check.cadence.frame_duration, self._rules)
        try:
            self._call("cancel", self._camera.cancel)
            self._tell(Entering("rest", 2 * rest))  # the next report comes from the capture after it
        except CallFailedError as failed:
            self._trouble(failed.report)
        self._deadline = time.monotonic() + rest

    def _take(self) -> None:
        now = time.monotonic()
        self._fd = None
        try:
            frame = guarded("take", self._camera.take)
            report = self._judge(frame, now)
        except CallFailedError as failed:
            self._rest(failed.report)
            return
        self._arrived, self._grace, self._late_told, self._frame_at = True, False, False, now
        if self._check.remark:
            self._tell(self._check.remark)
        if isinstance(report, Frames):
            self._reporter.healthy(report, time.monotonic())
        else:
            self._trouble(report)
        self._ask()

    def _judge(self, frame: Frame, now: float) -> Frames | CaptureFailed:
        gap = now - self._frame_at if self._arrived else 0.0
        try:
            report = self._check.judge(frame, now, gap, now - self._asked_at)
            if isinstance(report, Frames):  # nobody is given what is no picture
                self._publish(frame, now)
            return report
        finally:
            guarded("release", frame.release)

    def _publish(self, frame: Frame, now: float) -> None:
        """What goes wrong here is told and is no fault of the camera: supervision does not depend on readers."""
        for stream in self._publisher.wanted(now):
            try:
                data = guarded("pixels", partial(frame.pixels, stream.name))
                wrong = self._publisher.write(stream, data, frame, now)
            except CallFailedError as failed:
                self._publisher.drop(stream.name)
                wrong = f"no more frames of the stream {stream.name}: {failed.report.chain[-1]}"
            if wrong:
                self._tell(Remark("frames-unpublished", wrong[:EVIDENCE_LIMIT]))

    def _missed(self, now: float) -> None:
        fault = "frames-stopped" if self._arrived else "start-timeout"
        evidence = f"no frame for {now - self._frame_at:.1f} s"
        self._fd, self._grace = None, False
        try:
            self._call("cancel", self._camera.cancel)
        except CallFailedError as failed:
            self._trouble(CaptureFailed(fault, evidence, now - self._asked_at))
            self._rest(failed.report)
            return
        self._trouble(CaptureFailed(fault, evidence, now - self._asked_at))
        self._ask()

    # --- reports --------------------------------------------------------------------------------------

    def _call(self, name: str, function: Callable[[], T]) -> T:
        return announced(name, function, self._tell)

    def _tell(self, report: Report) -> None:
        self._reporter.tell(report, time.monotonic())

    def _trouble(self, report: Report) -> None:
        self._reporter.trouble(report, time.monotonic())
