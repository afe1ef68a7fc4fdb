# SPDX-License-Identifier: MIT
"""Owns the proof that the kernel's log is heard by whom it concerns, and that its reader may die or be missing."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from camwatchd.adapters import kernel_log, log
from camwatchd.adapters.stderr import LINES_PER_SECOND
from camwatchd.hearsay import Hearsay
from camwatchd.kernel_watch import KernelWatch
from camwatchd.loop import Loop
from tests.process.kernel_rig import Kernel, stamped

_GONE = "usb 1-1.3: USB disconnect, device number 10"
_CHIP = "imx708 11-001a: failed to read chip id 708, with error -5"
_NOISE = "usb 1-1.2: SerialNumber: 000000007197e5d8"


class Camera:
    """A camera of which so much is known, and what it has heard."""

    def __init__(self, identity: str) -> None:
        self.hearsay = Hearsay(time.monotonic, lambda: identity)

    def heard(self) -> list[str]:
        return [line.partition("] ")[2] for line in self.hearsay.evidence(time.monotonic())]


class Rig:
    """A watch with cameras of each kind, on a clock that the test moves."""

    def __init__(self, folder: Path, *boot: str) -> None:
        self.kernel = Kernel(folder / "kernel", *boot)
        self.ahead = 0.0
        self._log = (folder / "log").open("w+")
        self.cameras = [Camera(""), Camera("x-1.3:1.0-046d:0825"), Camera("/base/soc/i2c@1/imx708@1a")]
        self.loop = Loop()
        events = log.build("json", "debug", self._log.fileno(), {})
        self.watch = KernelWatch(self.loop, events, self.clock, os.environ, self.cameras)

    def clock(self) -> float:
        return time.monotonic() + self.ahead

    def said(self, event: str = "kernel.line") -> list[dict[str, Any]]:
        self._log.seek(0)
        return [line for line in map(json.loads, self._log.read().splitlines()) if line["event"] == event]

    def until(self, done: Callable[[], object]) -> None:
        """Turn the loop until then."""
        end = time.monotonic() + 30
        while not done():
            assert time.monotonic() < end
            self.loop.turn(0.1)
            if self.clock() >= self.watch.deadline:
                self.watch.tick()

    def kill(self) -> None:
        """End the reader, and have it buried."""
        assert self.watch.pid is not None
        os.kill(self.watch.pid, signal.SIGKILL)
        self.until(lambda: self.watch.pid is None)

    def close(self) -> None:
        self.watch.end()
        self.until(lambda: self.watch.pid is None)
        self.kernel.close()
        self._log.close()


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(tmp_path, stamped(_CHIP, 5000), stamped(_NOISE, 4000))
    monkeypatch.setenv("PATH", rig.kernel.path)
    yield rig
    rig.close()


def test_lines_are_told_to_cameras_of_their_kind(rig: Rig) -> None:
    """The lines of this boot come first; a USB device is no news to a CSI camera, nor a sensor to a USB one."""
    rig.watch.begin()
    rig.kernel.says(_NOISE, _GONE, "INFO: task python3:1541 blocked for more than 120 seconds.")
    rig.until(lambda: len(rig.said()) == 3)
    anybody, usb, csi = (camera.heard() for camera in rig.cameras)

    assert [_CHIP, _GONE] == anybody[:2]
    assert [_GONE] == usb[:-1]
    assert [_CHIP] == csi[:-1]
    assert usb[-1].startswith("INFO: task python3")


def test_new_lines_are_logged_and_old_ones_only_for_whoever_searches(rig: Rig) -> None:
    """What the kernel said before the daemon came is of level debug; neither is about a certain camera."""
    rig.watch.begin()
    rig.kernel.says(_GONE)
    rig.until(lambda: len(rig.said()) == 2)
    old, new = rig.said()

    assert ("debug", f"kernel: {_CHIP}", "sensor-io") == (old["level"], old["message"], old["suspicion"])
    assert ("info", f"kernel: {_GONE}", "usb") == (new["level"], new["message"], new["bus"])
    assert "camera" not in new


def test_a_camera_that_comes_later_hears_the_lines_of_before(rig: Rig) -> None:
    """A new configuration may bring a camera whose sensor failed at boot."""
    rig.watch.begin()
    rig.until(rig.said)
    late = Camera("imx708")
    rig.watch.introduce(late)

    assert [_CHIP] == late.heard()


def test_the_reader_may_die(rig: Rig) -> None:
    """It is replaced after pauses that grow, said once, and no line is told twice."""
    rig.watch.begin()
    rig.until(rig.said)
    pauses = []
    for _ in range(4):
        rig.kill()
        pauses.append(round(rig.watch.deadline - rig.clock(), 1))
        rig.ahead += pauses[-1]
        rig.until(lambda: rig.watch.pid is not None)
    rig.kernel.says(_GONE)
    rig.until(lambda: len(rig.said()) == 2)
    [deaf] = rig.said("kernel.deaf")

    assert [5, 60, 600, 600] == [round(pause) for pause in pauses]
    assert "is tried again in 5 s" in deaf["message"]
    assert [_CHIP, _GONE] == rig.cameras[0].heard()


def test_a_reader_that_lasted_is_replaced_soon(rig: Rig) -> None:
    """Its end is not held against the next one."""
    rig.watch.begin()
    rig.until(rig.said)
    rig.kill()
    rig.ahead += 6
    rig.until(lambda: rig.watch.pid is not None)
    rig.ahead += 1000
    rig.kill()

    assert 4 < rig.watch.deadline - rig.clock() <= 5


def test_what_the_reader_says_of_itself_is_the_reason(rig: Rig) -> None:
    """Without permission journalctl says so and ends: its words are told, as information."""
    rig.kernel.journalctl(
        "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1\n"
    )
    rig.watch.begin()
    rig.until(lambda: rig.watch.pid is None)
    [deaf] = rig.said("kernel.deaf")

    assert "(No journal files were opened due to insufficient permissions.)" in deaf["message"]
    assert "info" == deaf["level"]


def test_without_a_journalctl_nothing_is_heard(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without systemd is told of for whoever searches, and not tried again."""
    monkeypatch.setenv("PATH", str(rig.kernel.folder.parent))
    rig.watch.begin()
    [deaf] = rig.said("kernel.deaf")

    assert (None, float("inf"), "debug") == (rig.watch.pid, rig.watch.deadline, deaf["level"])


def test_a_reader_that_cannot_be_executed_is_tried_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps it from being executed may pass, as long as there is a journalctl."""
    monkeypatch.setenv("PATH", str(rig.kernel.folder))
    (rig.kernel.folder / "journalctl").chmod(0o644)
    rig.watch.begin()
    [deaf] = rig.said("kernel.deaf")
    rig.kernel.journalctl("exit 1\n")
    rig.ahead += 6
    rig.watch.tick()

    assert ("info", True) == (deaf["level"], "Permission denied" in deaf["message"])
    assert rig.watch.pid is not None


def test_a_flood_is_bounded(rig: Rig) -> None:
    """A kernel that repeats itself costs a few lines a second and little memory; the end of the flood is heard."""
    backlog, flood = stamped(_NOISE) * kernel_log.BACKLOG, stamped(_GONE) * 50_000
    (rig.kernel.folder / "boot").write_text(backlog + flood + stamped(_CHIP))
    began = time.process_time()
    rig.watch.begin()
    rig.until(lambda: _CHIP in rig.cameras[0].heard())

    assert time.process_time() - began < 2
    assert len(rig.said()) <= 2 * LINES_PER_SECOND
    assert len(rig.cameras[0].heard()) == 20


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[    5.832638] kernel: imx708 11-001a: failed", (5.832638, "imx708 11-001a: failed")),
        ("[184935.410911] kernel: [42] again", (184935.410911, "[42] again")),
        ("[    5.832638] systemd[1]: Started", None),
        ("-- Boot 5ab --", None),
        ("No journal files were found.", None),
    ],
)
def test_a_line_has_a_time_and_a_text(line: str, expected: tuple[float, str] | None) -> None:
    """What is not the kernel's is the reader's own."""
    assert expected == kernel_log.parse(line)
