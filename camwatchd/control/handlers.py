# SPDX-License-Identifier: MIT
"""Owns what each request means: the daemon is told or asked, and the answer is a dataclass of facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from camwatchd.control.connection import Lent
from camwatchd.control.facts import CameraFacts, DrillFacts, RecoverPlan, StatusFacts
from camwatchd.control.protocol import (
    LONGEST_PAUSE,
    Adjust,
    AdjustFacts,
    Answer,
    Attach,
    AttachFacts,
    Drill,
    Pause,
    PauseFacts,
    Ping,
    Pong,
    Reason,
    Recover,
    RecoverFacts,
    Refused,
    Reload,
    ReloadFacts,
    Request,
    Resume,
    ResumeFacts,
    Status,
)
from camwatchd.core.ladder import Rung
from camwatchd.core.state import REAP_BOUND


class Reply(Protocol):
    """To be called once, at once or later."""

    @property
    def listens(self) -> bool:
        """Whether anybody still waits for it."""

    def __call__(self, answer: Answer, lent: Lent | None = None) -> None:
        """The answer, and what goes along with it."""


FREE_WITHIN = (
    REAP_BOUND + 5.0
)  # seconds from a pause to the end of the worker, or to knowing that it does not end
_LONGEST_TEXT = 16_000  # characters of the problems of a configuration
_NEVER = float("inf")


class Daemon(Protocol):
    """What the supervisor does for whoever may ask. No method blocks; the names given are those of cameras."""

    def status(self) -> StatusFacts:
        """How everything is."""

    def pause(self, cameras: Sequence[str], seconds: float) -> None:
        """Release the cameras for so long, from now; `status()` says so at once, and later that they are free."""

    def resume(self, cameras: Sequence[str]) -> None:
        """End their pause; one that is not paused is left as it is."""

    def plans(self, cameras: Sequence[str], rung: Rung | None) -> tuple[RecoverPlan, ...]:
        """What `recover` would do, or why it would not."""

    def recover(self, cameras: Sequence[str], rung: Rung | None) -> None:
        """Begin a recovery now: with this rung, or from the foot of the ladder."""

    def drill(self, camera: str, exercise: str) -> DrillFacts | Refused:
        """Begin an alarm drill on a camera that there is; `status()` says how it goes on."""

    def reload(self, done: Callable[[str], None]) -> None:
        """Read the configuration again; `done("")` once it is in force, else why it was refused. Called once."""

    def names(self) -> tuple[str, ...]:
        """Of the cameras."""

    def adjust(
        self, camera: str, controls: dict[str, Any], done: Callable[[AdjustFacts | Refused], None]
    ) -> None:
        """Set controls of a camera that there is; `done` is called once, when the camera has answered or is down."""

    def attach(self, camera: str, stream: str) -> tuple[AttachFacts, Lent] | Refused | None:
        """One reader more; None: the camera was not opened yet. OSError: no descriptor is left."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody wants to know when the cameras are free."""

    cameras: tuple[str, ...]
    until: float  # then it is told how far things are
    reply: Reply


class Handlers:
    """Answers requests; those that wait for a camera to be free when `look()` finds that it is."""

    def __init__(self, daemon: Daemon, clock: Callable[[], float]) -> None:
        self._daemon, self._clock = daemon, clock
        self._waiting: list[_Waiting] = []
        self._readers: list[tuple[Attach, Reply]] = []  # wait for a camera that was not opened yet

    def handle(self, request: Request, reply: Reply) -> None:
        """Do what is asked and answer, now or later."""
        match request:
            case Ping():
                daemon = self._daemon.status().daemon
                reply(Pong(daemon.version, daemon.pid))
            case Status():
                reply(self._daemon.status())
            case Adjust():
                self._adjust(request, reply)
            case Drill(camera, exercise):
                known = camera in self._daemon.names()
                reply(self._daemon.drill(camera, exercise) if known else self._unknown(camera))
            case Attach():
                if not self._attach(request, reply):
                    self._readers.append((request, reply))
            case Reload():
                self._daemon.reload(lambda problems: reply(ReloadFacts(problems[:_LONGEST_TEXT])))
            case Pause() | Resume() | Recover():
                self._of_cameras(request, reply)

    @property
    def deadline(self) -> float:
        """When `look()` must be called even if nothing happens."""
        return min((waiting.until for waiting in self._waiting), default=_NEVER)

    def look(self) -> None:
        """Something may have happened: answer whoever waited for it."""
        readers = [(request, reply) for request, reply in self._readers if reply.listens]
        self._readers = [reader for reader in readers if not self._attach(*reader)]
        if not self._waiting:
            return
        now, cameras = self._clock(), self._cameras()
        for waiting in self._waiting[:]:
            if (answer := _release(waiting, cameras, late=now >= waiting.until)) is not None:
                self._waiting.remove(waiting)
                waiting.reply(answer)

    # --- inside -------------------------------------------------------------------------------------------

    def _adjust(self, request: Adjust, reply: Reply) -> None:
        if request.camera in self._daemon.names():
            self._daemon.adjust(request.camera, request.controls, reply)
        else:
            reply(self._unknown(request.camera))

    def _attach(self, request: Attach, reply: Reply) -> bool:
        if request.camera not in self._daemon.names():
            reply(self._unknown(request.camera))
            return True
        try:
            found = self._daemon.attach(request.camera, request.stream)
        except OSError as error:
            found = Refused(Reason.INTERNAL, f"no ring can be lent: {error}")
        if isinstance(found, Refused):
            reply(found)
        elif found is not None:
            reply(*found)
        return found is not None

    def _unknown(self, name: str) -> Refused:
        known = ", ".join(self._daemon.names()) or "none"
        return Refused(Reason.CAMERA, f"no camera is called {name!r:.40}; there are: {known}")

    def _of_cameras(self, request: Pause | Resume | Recover, reply: Reply) -> None:
        known = self._daemon.names()
        if unknown := [name for name in request.cameras if name not in known]:
            reply(self._unknown(unknown[0]))
            return
        cameras = tuple(dict.fromkeys(request.cameras)) or known
        match request:
            case Pause():
                self._pause(cameras, request.seconds, reply)
            case Resume():
                reply(self._resume(cameras))
            case Recover():
                reply(self._recover(cameras, request))

    def _pause(self, cameras: tuple[str, ...], seconds: float, reply: Reply) -> None:
        if not 0 < seconds <= LONGEST_PAUSE:
            text = f"a pause lasts up to {LONGEST_PAUSE:g} s, not {seconds:g} s"
            reply(Refused(Reason.MALFORMED, text, "for longer: sudo systemctl stop camwatchd"))
            return
        self._daemon.pause(cameras, seconds)
        self._waiting.append(_Waiting(cameras, self._clock() + FREE_WITHIN, reply))
        self.look()

    def _resume(self, cameras: tuple[str, ...]) -> Answer:
        paused = self._paused(cameras)
        self._daemon.resume(paused)
        return ResumeFacts(paused)

    def _recover(self, cameras: tuple[str, ...], request: Recover) -> Answer:
        if paused := self._paused(cameras):
            text = f"paused by the operator: {', '.join(paused)}"
            hint = "camwatchctl resume ends the pause and takes the camera again"
            return Refused(Reason.PAUSED, text, hint)
        plans = self._daemon.plans(cameras, request.rung)
        objections = [f"{plan.camera}: {plan.objection}" for plan in plans if plan.objection]
        if objections and not request.dry_run:
            text = f"{request.rung} may not be tried now: {'; '.join(objections)}"
            return Refused(Reason.RUNG, text, "without --rung the camera is taken anew")
        if not request.dry_run:
            self._daemon.recover(cameras, request.rung)
        return RecoverFacts(cameras, plans)

    def _cameras(self) -> dict[str, CameraFacts]:
        return {camera.name: camera for camera in self._daemon.status().cameras}

    def _paused(self, cameras: tuple[str, ...]) -> tuple[str, ...]:
        found = self._cameras()
        return tuple(name for name in cameras if found[name].paused_for > 0)


def _release(waiting: _Waiting, cameras: dict[str, CameraFacts], *, late: bool) -> Answer | None:
    """What to tell whoever waits; None: nothing yet. A camera that left the configuration is free."""
    mine = [cameras[name] for name in waiting.cameras if name in cameras]
    if taken := [camera.name for camera in mine if camera.paused_for <= 0]:
        text = f"the pause of {', '.join(taken)} has ended before the camera was free"
        return Refused(Reason.RESUMED, text, "somebody resumed it, or the pause was too short")
    occupied = tuple(camera.name for camera in mine if camera.has_worker)
    if occupied and not late:
        return None
    return PauseFacts(waiting.cameras, min((camera.paused_for for camera in mine), default=0.0), occupied)
