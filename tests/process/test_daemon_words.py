# SPDX-License-Identifier: MIT
# ruff: noqa: E501  # the words are quoted whole
"""Owns the proof of what words do, on the words of real cameras: they name a fault, or stay with it as evidence.

What no kernel camera of a test machine can say (a front-end time-out, CMA exhaustion, an AI camera that has had
enough) a simulated one says letter by letter. One daemon supervises them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from camwatchd.adapters import ledger_dump
from tests.process.daemon import QUICK, Daemon, camera, daemon
from tests.process.kernel_rig import Kernel, stamped

STREAM, WORKER = "restart-stream", "restart-worker"
_HEAD = "[0:04:11.187898530] [1541] "
_UNKNOWN = "ERROR Gyroscope gyro.cpp:12 the horizon is not where it was"
_CHIP = "imx708 11-001a: failed to read chip id 708, with error -5"
_CODEC = "bcm2835_mmal_vchiq: timed out waiting for sync completion"
_HUNG = "INFO: task python3:1541 blocked for more than 120 seconds."


@dataclass(frozen=True)
class Case:
    """A camera that says something, fails, and is cured; and what it must be called."""

    name: str
    says: tuple[str, ...]
    fault: str
    cure: str = STREAM
    fails: str = "stall"  # or "missing": then it is the exception that says it

    def script(self) -> tuple[dict[str, Any], ...]:
        words = "\n".join(self.says)
        if self.fails == "missing":
            return ({"kind": "missing", "at": 0, "until": self.cure, "message": words},)
        if "timed out!" in words:  # then libcamera itself stops the stream
            return ({"kind": "stderr", "at": 1.5, "until": self.cure, "message": words},)
        return (
            {"kind": "stderr", "at": 1.5, "message": words},
            {"kind": "stall", "at": 1.5, "until": self.cure},
        )


# fmt: off
CASES = (
    Case("f1-f2", (_HEAD + " WARN V4L2 v4l2_videodevice.cpp:2096 /dev/video0[17:cap]: Dequeue timer of 1000000.00us has expired!",
                   _HEAD + "ERROR RPI pipeline_base.cpp:1367 Camera frontend has timed out!",
                   _HEAD + "ERROR RPI pipeline_base.cpp:1368 Please check that your camera sensor connector is attached securely.",
                   _HEAD + "ERROR RPI pipeline_base.cpp:1369 Alternatively, try another cable and/or sensor."),   "frontend-timeout"),
    Case("f7",    (_HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1787 /dev/video0[17:cap]: Failed to queue buffer 3: Resource temporarily unavailable",
                   _HEAD + "ERROR RPISTREAM rpi_stream.cpp:267 Failed to queue buffer for Unicam Image"),         "buffer-queue"),
    Case("f8",    ("RuntimeError: Failed to start camera: Connection timed out",),                                "sensor-io", WORKER, "missing"),
    Case("f8-121", ("RuntimeError: Failed to start camera: Remote I/O error",),                                   "sensor-io", WORKER, "missing"),
    Case("f18",   ("OSError: [Errno 12] Cannot allocate memory",),                                                "no-memory", WORKER, "missing"),
    Case("f18-cma", (_HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1322 /dev/video0[17:cap]: Unable to request 1 buffers: Cannot allocate memory",
                   _HEAD + "ERROR RPI pipeline_base.cpp:679 Failed to allocate buffers"),                         "no-memory", WORKER),
    Case("f24",   (_HEAD + "ERROR V4L2 v4l2_device.cpp:411 'imx500 10-001a': Unable to set controls: Remote I/O error",
                   _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1998 /dev/video0[17:cap]: Failed to start streaming: Remote I/O error"), "sensor-io", WORKER),
    Case("healthy-words", (_HEAD + " WARN RPI vc4.cpp:390 Mismatch between Unicam and CamHelper for embedded data usage!",
                   _HEAD + "ERROR IPAModule ipa_module.cpp:172 Symbol ipaModuleInfo not found"),                  "frames-stopped"),
    Case("unknown", (_HEAD + _UNKNOWN,),                                                                          "frames-stopped"),
)
# fmt: on

# F9: control writes that fail while the frames flow are no fault.
_CONTROLS = (
    f"{_HEAD}ERROR V4L2 v4l2_device.cpp:411 'imx477 10-001a': Unable to set controls: Input/output error"
)
_HARMLESS = camera("f9", {"kind": "stderr", "at": 1.5, "message": "\n".join([_CONTROLS] * 5)})


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("words")
    kernel = Kernel(folder / "kernel", stamped(_CODEC, 100))
    troubled = [camera(case.name, *case.script()) for case in CASES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", kernel.path)
        with daemon(folder, "".join([QUICK, *troubled, _HARMLESS])) as rig:
            rig.event("alert.capture_failure", camera="unknown")
            kernel.says(_HUNG)
            yield rig
    kernel.close()


def _incident(rig: Daemon, name: str) -> dict[str, Any]:
    """What the ledger has, once the camera's incident is closed."""
    rig.event("alert.recovery", camera=name)
    rig.event("camera.summary", camera=name, since=rig.event("alert.recovery", camera=name).number)
    found: list[dict[str, Any]] = ledger_dump.read(rig.directory / "state")["incidents"]
    return next(incident for incident in found if incident["camera"] == name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_words_name_the_fault(rig: Daemon, case: Case) -> None:
    """What the camera stack said a moment before is the name of a failure; what healthy cameras say is not."""
    recovery = rig.event("alert.recovery", camera=case.name)
    fault, over, *_ = rig.alerts(case.name)

    assert (case.fault, case.cure) == (fault["fault"], recovery["rung"])
    assert recovery == over


def test_failed_controls_are_no_fault(rig: Daemon) -> None:
    """While frames flow, a control that could not be written is told as it was and nothing else."""
    heard = rig.event("worker.stderr", camera="f9", message=_CONTROLS)
    rig.event("camera.summary", camera="f9", since=heard.number)

    assert "warning" == heard["level"]
    assert [] == rig.alerts("f9")
    assert [] == rig.told("capture.failed", camera="f9")


@pytest.mark.parametrize("case", CASES[:2] + CASES[-1:], ids=lambda case: case.name)
def test_every_line_stays_with_the_incident(rig: Daemon, case: Case) -> None:
    """Known or not, a line that was written before a fault is in the ledger, though its worker never died."""
    words = _incident(rig, case.name)["words"].splitlines()

    assert [line for line in case.says if line not in words] == []


def test_the_kernels_lines_stay_with_the_incident(rig: Daemon) -> None:
    """They are marked as the kernel's, with its time; those of shortly before the fault too; and humans see them."""
    incident = _incident(rig, "unknown")
    kernel = [line for line in incident["words"].splitlines() if line.startswith("kernel: [")]
    shown = list(ledger_dump.text(ledger_dump.read(rig.directory / "state")))

    assert [_CODEC, _HUNG] == [line.partition("] ")[2] for line in kernel]
    assert all(any(line in text for text in shown) for line in kernel)
