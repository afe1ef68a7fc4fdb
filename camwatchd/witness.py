# SPDX-License-Identifier: MIT
"""Owns what is known of one camera through its workers: which one it is, what it does now, and why something failed.

It takes their words and gives names and evidence; what becomes of these is decided by its post.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from camwatchd import names
from camwatchd.adapters.host import Host
from camwatchd.adapters.opens import Opens
from camwatchd.adjusting import Adjusting
from camwatchd.core import classify
from camwatchd.core import events as ev
from camwatchd.core import messages as msg
from camwatchd.core.classify import Finding
from camwatchd.core.evidence import headline
from camwatchd.core.exits import describe
from camwatchd.core.faults import OPEN_CAPS
from camwatchd.core.flight import Before
from camwatchd.core.settings import CameraSettings
from camwatchd.drilling import Drilling
from camwatchd.hearsay import Hearsay
from camwatchd.ports import EventLog

_NOTHING = ("", "")


class Witness:
    """One camera's. Through `drilling` it says what it says, through `adjusting` it knows what applications set."""

    def __init__(
        self, camera: CameraSettings, drilling: Drilling, adjusting: Adjusting, host: Host, opens: Opens,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._camera, self._drilling, self._adjusting = camera, drilling, adjusting
        self._host, self.opens = host, opens
        self.hearsay = Hearsay(clock, self._identity)
        self.model = self.camera_id = ""  # as the camera itself says
        self.streaming = False  # the present worker has opened the camera and started its stream
        self.suspicion = _NOTHING  # fault and picture that failed last, for the next worker
        self._call = ""  # the call into the camera that the worker announced last
        self._versions: dict[str, str] = {}  # of the packages in its worker
        self._unkillable_said = False

    @property
    def log(self) -> EventLog:
        """What is said during a drill is marked."""
        return self._drilling.log

    def renamed(self, camera: CameraSettings) -> None:
        """The settings have changed. Another camera's opens are not capped before it said what it is."""
        if camera.choice != self._camera.choice:
            self.model = self.camera_id = ""
        self._camera = camera

    def trust(self) -> None:
        """Nothing speaks against its pictures any more."""
        self.suspicion = _NOTHING

    @property
    def over_cap(self) -> str:
        """Why it may not be opened once more in this boot; empty: it may."""
        cap = OPEN_CAPS.get(self.model, 0)
        return f"{self.model}: {cap} opens in this boot" if cap and self.opens.count() >= cap else ""

    def before(self, known: Before, place: str) -> Before:
        """What is known of how the camera did, with which one it is and what ran it."""
        return replace(known, model=self.model, camera_id=self.camera_id, usb=place, versions=self._versions)

    # --- a worker begins ----------------------------------------------------------------------------------

    def hired(self, *, in_incident: bool) -> None:
        """Nothing that was heard of the last worker explains anything of this one."""
        self._call, self.streaming = "", False
        self.hearsay.worker_begins(in_incident=in_incident)

    def imported(self, versions: Mapping[str, str]) -> None:
        """It has told what it runs."""
        self._versions = names.versions(versions)

    def opened(self, report: msg.Opened) -> None:
        """The camera has told which one it is; each of its opens counts."""
        self.model, self.camera_id = names.name(report.model), names.name(report.camera_id)
        self.hearsay.located(report.usb)
        self.opens.add()

    def say_opened(self, report: msg.Opened) -> None:
        """For the log."""
        text = f"{self._camera.name}: {self.model} is open, {report.width}x{report.height} {report.format}"
        text += f", USB port {report.usb}" if report.usb else ""
        self.log.info(
            "camera.opened", message=text, camera=self._camera.name, camera_id=self.camera_id, usb=report.usb,
            seconds=round(report.seconds, 3),
        )  # fmt: skip

    # --- what it says -------------------------------------------------------------------------------------

    def heard(self, report: msg.Report) -> None:
        """Whatever it reports: it is no longer where it was."""
        self._call = report.call if isinstance(report, msg.Entering) else ""
        camera = self._camera.name
        match report:
            case msg.Entering(call, bound):
                self.log.debug("worker.entering", camera=camera, call=call, bound=bound)
            case msg.Late(waited):
                self.log.debug("camera.late", camera=camera, waited=round(waited, 3))
            case msg.Remark(subject, text):
                self.log.warning(f"camera.{subject}", message=f"{camera}: {text}", camera=camera)

    def wrote(self, line: str) -> Finding | None:
        """A line on stderr; what it says of a fault."""
        clue = self.hearsay.wrote(line)
        say = self.log.debug if clue is None else self.log.warning
        say("worker.stderr", camera=self._camera.name, message=line)
        return clue

    # --- what failed --------------------------------------------------------------------------------------

    def missed(self, report: msg.CaptureFailed) -> ev.CaptureFailed:
        """No healthy picture came; a picture that failed is for the next worker to compare with."""
        if report.picture:
            self.suspicion = (report.fault, report.picture)
        return ev.CaptureFailed(*self.hearsay.explained(report.fault, report.evidence))

    def diagnosed(self, report: msg.CameraFailed) -> ev.Faulted:
        """A call into the camera failed: by what name, and who may be the cause."""
        evidence = f"{report.call}(): {' <- '.join(report.chain)}"[: msg.EVIDENCE_LIMIT]
        nameless = "init-failed" if report.call in ("open", "start") else "capture-error"
        fault = report.fault or classify.of_exceptions(report.chain, report.call) or nameless
        if self._forgets(evidence, refused=fault == "configuration") and fault == "configuration":
            fault = "init-failed"  # which the next attempt will cure; a configuration would have to wait for a human
        fault, evidence = self.hearsay.explained(fault, evidence)
        if fault == "permission" and (nodes := self._host.refused_by_sandbox()):
            fault, evidence = "device-refused", f"mode and group allow {', '.join(nodes)}; {evidence}"
        if fault == "busy" and (holders := self._host.camera_holders()):
            evidence = f"held by {', '.join(holders)}; {evidence}"
        return ev.Faulted(fault, evidence)

    def why_slow(self, slow: ev.SaySlow, pid: int | None) -> tuple[str, str, str]:
        """The call that takes its time, the fault that this may be, and what speaks for it."""
        fault, line = self.hearsay.reason(slow.fault, slow.seconds)
        tasks = [] if pid is None else self._host.stuck_tasks(pid)
        waits = f"waits in the kernel: {', '.join(tasks)}" if tasks else ""
        return self._call, fault, "; ".join(filter(None, (line, waits)))

    # --- its end ------------------------------------------------------------------------------------------

    def signalled(self, pid: int, name: str) -> None:
        """A worker that ends when asked is no news; one that has to be told or killed is."""
        asked = name == "SIGTERM"
        say = self.log.debug if asked else self.log.info
        end = "is told to end" if asked else "does not end"
        text = f"{self._camera.name}: worker {pid} {end}; sending {name}"
        say("worker.signalled", camera=self._camera.name, message=text, pid=pid, signal=name)

    def exited(self, status: int, words: tuple[str, ...]) -> ev.WorkerExited:
        """It ended unasked."""
        text = f"{describe(status)}{f', in {self._call}()' if self._call else ''}"
        self.ended(text, words)
        return ev.WorkerExited(*self.hearsay.explained(classify.of_exit(status), text))

    def ended(self, how: str, words: tuple[str, ...]) -> None:
        """What a dying worker wrote (a traceback, faulthandler's stacks) is the best evidence of what hung."""
        if words := self.hearsay.died(words):
            text = f"{self._camera.name}: last words of the worker ({how}): {headline(words)}"
            self.log.info(
                "worker.last_words", camera=self._camera.name, message=text, evidence="\n".join(words)
            )

    def unkillable(self, evidence: str) -> None:
        """It holds a camera that is ours no longer; said once."""
        if not self._unkillable_said:
            self._unkillable_said = True
            text = f"{self._camera.name}: a worker of this former camera cannot be killed: {evidence}"
            self.log.warning("worker.unkillable", message=text, camera=self._camera.name)

    # --- inside -------------------------------------------------------------------------------------------

    def _forgets(self, evidence: str, *, refused: bool) -> bool:
        """Whether the camera may have failed for what applications have set, which then holds no longer."""
        if named := self._adjusting.blamed(evidence, refused=refused):
            text = f"{self._camera.name}: no longer set by applications: {', '.join(named)}; the camera refused them"
            self.log.warning("camera.controls_forgotten", message=text, camera=self._camera.name)
        return bool(named)

    def _identity(self) -> str:
        """What is known of which camera it is: as it says itself, else as the settings say."""
        return self.camera_id or self._camera.id or self._camera.model or ""
