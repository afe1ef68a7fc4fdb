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
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters import kernel_log, log
from camwatchd.adapters.stderr import LINES_PER_SECOND
from camwatchd.hearsay import Hearsay
from camwatchd.kernel_watch import KernelWatch
from camwatchd.loop import Loop
from tests.process.kernel_rig import Kernel, stamped

_GONE = "usb 1-1.3: USB disconnect, device number 10"
_CHIP = "imx708 11-001a: failed to read chip id 708, with error -5"
_VOLTAGE = "hwmon hwmon1: Undervoltage detected!"
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
    backlog, flood = stamped(_NOISE) * kernel_log.AT_ONCE, stamped(_GONE) * 50_000
    (rig.kernel.folder / "boot").write_text(backlog + flood + stamped(_CHIP))
    began = time.process_time()
    rig.watch.begin()
    rig.until(lambda: _CHIP in rig.cameras[0].heard())

    assert time.process_time() - began < 2
    assert len(rig.said()) <= 2 * LINES_PER_SECOND
    assert len(rig.cameras[0].heard()) == 20


def test_a_flood_is_none_of_the_readers_words(rig: Rig) -> None:
    """Neither what is left of its last lines, nor what is said of those that were dropped."""
    (rig.kernel.folder / "boot").write_text(stamped(_NOISE + " " * 200) * 5000 + stamped(_CHIP))
    rig.watch.begin()
    rig.until(lambda: _CHIP in rig.cameras[0].heard())
    rig.kill()
    [deaf] = rig.said("kernel.deaf")

    assert "(without a word)" in deaf["message"]


def test_a_sensor_that_failed_at_boot_is_not_forgotten(rig: Rig) -> None:
    """However much the kernel says since then, and whenever a camera comes; other readers tell it no second time."""
    rig.watch.begin()
    rig.kernel.says(*[_VOLTAGE] * 100, _GONE)
    rig.until(lambda: _GONE in rig.cameras[0].heard())
    rig.kill()
    rig.ahead += 6
    rig.until(lambda: rig.watch.pid is not None)
    late = Camera("imx708")
    rig.watch.introduce(late)

    assert [_CHIP, *[_VOLTAGE] * 20] == late.heard() == rig.cameras[2].heard()
    assert 1 == len(rig.said("kernel.deaf"))


def test_words_are_the_present_readers_own(rig: Rig) -> None:
    """An entry that is no line of the kernel's is none of its words, nor is what an earlier reader said."""
    kernel = rig.kernel
    kernel.journalctl("echo 'No journal files were found.'; exec sleep 1000\n")
    rig.watch.begin()
    rig.until(lambda: rig.watch._own_words)
    (kernel.folder / "entries").write_text(stamped("Started", by="systemd[1]") + stamped("x" * 5000))
    kernel.journalctl(f"cat {kernel.folder}/entries; exit 1\n")
    for _ in range(2):
        rig.ahead += 1000
        rig.kill() if rig.watch.pid else rig.until(lambda: rig.watch.pid is None)
        rig.ahead += 6
        rig.watch.tick()
    rig.until(lambda: rig.watch.pid is None)

    assert ["(No journal files were found.)", "(without a word)"] == [
        deaf["message"].partition("ended ")[2].partition(";")[0] for deaf in rig.said("kernel.deaf")[:2]
    ]


_ENTRY = '{"__SEQNUM":"6","SYSLOG_IDENTIFIER":"kernel","__MONOTONIC_TIMESTAMP":"5832638","MESSAGE":'  # systemd 257


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (_ENTRY + '"imx708 11-001a: failed"}', (5.832638, "imx708 11-001a: failed")),
        (
            _ENTRY + "[117,115,98,233,32,27,91,51,49,109]}",
            (5.832638, "usb\ufffd  [31m"),
        ),  # cannot be printed
        (_ENTRY + '"two\\nlines"}', (5.832638, "two lines")),
        (_ENTRY + "null}", None),  # too large
        (_ENTRY + "[1,2,300]}", None),
        (_ENTRY + '["said","twice"]}', None),
        (_ENTRY + '"imx708 11-001a: f [cut]', None),
        (_ENTRY.replace("kernel", "systemd") + '"Started"}', None),
        (_ENTRY.replace("5832638", "soon") + '"x"}', None),
        ('{"MESSAGE":' + "[" * 5000, None),
        ("{}", None),
        ("No journal files were found.", None),
    ],
)
def test_a_line_has_a_time_and_a_text(line: str, expected: tuple[float, str] | None) -> None:
    """When the journal received it, and what can be printed of it; what is not the kernel's has neither."""
    assert expected == kernel_log.parse(line)


@given(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_any_line_is_taken(line: str, message: object) -> None:
    """Whatever stands in the journal, or is broken there."""
    entry = {"SYSLOG_IDENTIFIER": "kernel", "__MONOTONIC_TIMESTAMP": "1", "MESSAGE": message}
    parsed = kernel_log.parse(json.dumps(entry))

    assert kernel_log.parse(line) is None
    assert kernel_log.parse("{" + line) is None
    assert parsed is None or not any(ord(character) < 32 for character in parsed[1])
