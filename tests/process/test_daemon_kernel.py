# SPDX-License-Identifier: MIT
"""Owns the proof that what the kernel says gives a better name to what a daemon notices otherwise, and no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.process.daemon import QUICK, Daemon, camera, daemon
from tests.process.kernel_rig import Kernel, stamped
from tests.process.side_by_side import SideBySide

together = SideBySide()

_CHIP = "imx708 11-001a: failed to read chip id 708, with error -5"
_UNANSWERED = "uvcvideo 1-1:1.1: Failed to query (GET_CUR) UVC control 2 on unit 1: -110 (exp. 1)."
_GONE = "usb 1-1.3: USB disconnect, device number 10"


@contextmanager
def heard(folder: Path, config: str, *boot: str, rules: str = QUICK) -> Iterator[tuple[Daemon, Kernel]]:
    """A daemon whose kernel's log is the test's."""
    kernel = Kernel(folder / "kernel", *boot)
    with daemon(folder, rules + config, variables={"PATH": kernel.path}) as rig:
        yield rig, kernel
    kernel.close()


@together
def test_a_line_names_a_failure_and_is_none(tmp_path: Path) -> None:
    """While frames flow a line is only told; frames that stop a moment later have it as their reason."""
    script = {"kind": "stall", "at_frame": 100, "until": "restart-worker"}
    with heard(tmp_path, camera("cam0", script)) as (rig, kernel):
        rig.event("camera.started")
        kernel.says(_GONE)
        told = rig.event("kernel.line")
        fault = rig.event("alert.connection_error")
        rig.event("alert.recovery")

    assert ("info", f"kernel: {_GONE}") == (told["level"], told["message"])
    assert "device-gone" == fault["fault"]
    assert fault["evidence"].endswith(f"; kernel: {_GONE}")
    assert rig.told("capture.failed")[0].at - told.at > 0.3


@together
def test_what_failed_at_boot_explains_a_missing_camera(tmp_path: Path) -> None:
    """A sensor is looked for once a boot: hours later its line is still why there is no camera."""
    script = {"kind": "missing", "at": 0, "until": "restart-worker"}
    with heard(tmp_path, camera("cam0", script), stamped(_CHIP, 4000)) as (rig, _):
        fault = rig.event("alert.connection_error")
        rig.event("alert.recovery")

    assert "sensor-io" == fault["fault"]
    assert _CHIP in fault["evidence"]


@together
def test_a_line_of_long_ago_explains_nothing(tmp_path: Path) -> None:
    """What was unplugged ten minutes before is not why the frames stop now."""
    script = {"kind": "stall", "at": 1.5, "until": "restart-worker"}
    with heard(tmp_path, camera("cam0", script), stamped(_GONE, 700)) as (rig, _):
        fault = rig.event("alert.capture_failure")
        rig.event("alert.recovery")

    assert "frames-stopped" == fault["fault"]


@together
def test_an_opening_that_is_slow_is_told_of_with_its_reason(tmp_path: Path) -> None:
    """It may still go well, and is no fault then; whoever waits for it knows meanwhile what for."""
    patient = QUICK.replace("timeout = 4", "timeout = 30")
    script = {"kind": "slow-open", "amount": 6.5, "at": 0}
    with heard(tmp_path, camera("cam0", script), rules=patient) as (rig, kernel):
        rig.event("worker.entering", call="open")
        kernel.says(_UNANSWERED)
        said = rig.event("camera.slow")
        rig.event("camera.started")

    assert ("warning", "sensor-io", "open") == (said["level"], said["suspicion"], said["call"])
    assert said["message"].startswith("cam0: open() has not ended after 5.5 s; in 24 s")
    assert said["message"].endswith(f" it counts as init-timeout [kernel: {_UNANSWERED}]")
    assert [] == rig.alerts("cam0")


@together
def test_the_daemon_does_without(tmp_path: Path) -> None:
    """Where the journal may not be read that is told once, and the camera is supervised all the same."""
    kernel = Kernel(tmp_path / "kernel")
    kernel.journalctl("echo 'No journal files were found.'\n")
    with daemon(tmp_path, QUICK + camera("cam0"), variables={"PATH": kernel.path}) as rig:
        deaf = rig.event("kernel.deaf")
        rig.event("camera.summary", since=rig.event("camera.started").number)
    kernel.close()

    assert ("info", [deaf]) == (deaf["level"], rig.told("kernel.deaf"))
    assert "(No journal files were found.)" in deaf["message"]
