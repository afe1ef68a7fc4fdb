# SPDX-License-Identifier: MIT
"""Owns the tests of what is made of words that were heard about one camera: a better name, and evidence."""

import pytest

from camwatchd.core.classify import CLUE_LIFETIME
from camwatchd.core.kernel import KernelLine, of_kernel
from camwatchd.hearsay import Hearsay

_GONE = "usb 1-1.3: USB disconnect, device number 10"
_CHIP = "imx708 11-001a: failed to read chip id 708, with error -5"
_NO_ROOM = "usb 1-1.3: Not enough bandwidth for new device state."
_VOLTAGE = "hwmon hwmon1: Undervoltage detected!"
_CMA = "cma: cma_alloc: linux,cma: alloc failed, req-size: 3934 pages, ret: -12"
_RESET = "usb 1-1.3: reset high-speed USB device number 10 using xhci_hcd"
_INFO = "[0:00:01.000000001] [7]  INFO Camera camera.cpp:1183 configuring streams"


class Ear:
    """Hearsay on a clock that the test moves."""

    def __init__(self) -> None:
        self.now, self.identity = 10_000.0, ""
        self.hearsay = Hearsay(lambda: self.now, lambda: self.identity)

    def kernel(self, text: str, age: float = 0.0) -> None:
        meaning = of_kernel(text)
        assert meaning is not None
        self.hearsay.kernel_said(KernelLine(self.now - age, text, meaning))

    def evidence(self, opened: float = 0.0) -> list[str]:
        """What is left of an incident that was opened so long ago."""
        return list(self.hearsay.evidence(self.now - opened))


@pytest.mark.parametrize(
    ("said", "fault", "expected"),
    [
        ([(_GONE, 1.0)], "frames-stopped", "device-gone"),
        ([(_GONE, CLUE_LIFETIME + 1)], "frames-stopped", "frames-stopped"),
        ([(_GONE, 1.0)], "not-found", "not-found"),  # that it went is no news
        ([(_GONE, 1.0)], "worker-crashed", "worker-crashed"),  # has a name of its own
        ([(_CMA, 3.0), (_RESET, 1.0)], "init-failed", "no-memory"),  # evidence alone names nothing
        ([(_GONE, 3.0), (_CMA, 1.0)], "frames-stopped", "no-memory"),  # the latest counts
        ([(_NO_ROOM, 1.0)], "frames-stopped", "frames-stopped"),  # it had its share of the bus
        ([(_NO_ROOM, 1.0)], "init-failed", "configuration"),
        ([(_CHIP, 9000.0)], "not-found", "sensor-io"),
        ([(_CHIP, 9000.0)], "frames-stopped", "frames-stopped"),  # it was found after all
    ],
)
def test_the_kernel_names_what_is_vague(said: list[tuple[str, float]], fault: str, expected: str) -> None:
    """A recent line names a failure that has no name of its own; what lasts all boot explains a missing camera."""
    ear = Ear()
    for text, age in said:
        ear.kernel(text, age)
    name, evidence = ear.hearsay.explained(fault, "it failed")

    assert expected == name
    assert ("it failed" == evidence) is (name == fault)


def test_the_camera_stack_knows_better_than_the_kernel() -> None:
    """libcamera speaks of our own camera, the kernel of some device."""
    ear = Ear()
    ear.hearsay.suspect("buffer-queue", "Failed to queue buffer 3")
    ear.kernel(_GONE)

    assert ("buffer-queue", "x; Failed to queue buffer 3") == ear.hearsay.explained("frames-stopped", "x")


def test_a_new_worker_is_not_blamed_for_the_last_ones_words() -> None:
    """What a worker wrote explains nothing of the next one; what the kernel said may."""
    ear = Ear()
    ear.hearsay.suspect("buffer-queue", "Failed to queue buffer 3")
    ear.kernel(_GONE)
    ear.hearsay.worker_begins(in_incident=True)

    assert ("device-gone", f"x; kernel: {_GONE}") == ear.hearsay.explained("frames-stopped", "x")


def test_what_a_camera_heard_before_it_was_known_is_judged_anew() -> None:
    """At start it may be any camera; once it is one on USB, no sensor of the boot explains that it is not found."""
    ear = Ear()
    ear.kernel(_CHIP, 9000.0)
    unknown = ear.hearsay.explained("not-found", "x")[0], len(ear.evidence())
    ear.identity = "/base/soc/usb@0-1.3:1.0-046d:0825"

    assert ("sensor-io", 1) == unknown
    assert (("not-found", "x"), []) == (ear.hearsay.explained("not-found", "x"), ear.evidence())


def test_where_a_camera_is_plugged_in_is_known_once_it_was_open() -> None:
    """From then on the same port of another bus is another device's; another camera is somewhere else again."""
    ear = Ear()
    ear.identity = "/base/soc/usb@0-1.3:1.0-046d:0825"
    ear.kernel(_GONE.replace("1-1.3", "3-1.3"))
    anywhere = len(ear.evidence())
    ear.hearsay.located("1-1.3")
    there = len(ear.evidence())
    ear.kernel(_GONE)
    ear.identity = "/base/soc/usb@0-2:1.0-046d:0825"
    ear.kernel(_GONE.replace("1-1.3", "4-2"))

    assert (1, 0) == (anywhere, there)
    assert ["4-2"] == [line.split()[3].rstrip(":") for line in ear.evidence()]


def test_a_sensor_that_failed_at_boot_is_not_forgotten() -> None:
    """However often the kernel complained of something else since then."""
    ear = Ear()
    ear.kernel(_CHIP, 9000.0)
    for _ in range(100):
        ear.kernel(_VOLTAGE)

    assert "sensor-io" == ear.hearsay.explained("not-found", "x")[0]
    assert _CHIP in ear.evidence()[0]


def test_every_line_with_weight_is_evidence() -> None:
    """A line that nobody knows is kept, the chatter of libcamera is not, and no line comes twice."""
    ear = Ear()
    for line in ("nobody knows this", _INFO, "OSError: no"):
        ear.hearsay.wrote(line)
    ear.hearsay.died(("Traceback", "OSError: no"))
    ear.kernel(_RESET)

    assert [f"kernel: [{10_000:12.6f}] {_RESET}", "nobody knows this", "Traceback", "OSError: no"] == (
        ear.evidence()
    )


def test_old_words_are_no_evidence() -> None:
    """An incident keeps what was said shortly before it and since, and what lasts all boot."""
    ear = Ear()
    ear.hearsay.wrote("weeks ago")
    ear.hearsay.died(("its end, weeks ago",))
    ear.kernel(_GONE)
    ear.kernel(_CHIP)
    ear.now += 20 * 86400
    ear.hearsay.wrote("just now")
    ear.kernel(_CMA)
    texts = [line.partition("] ")[2] or line for line in ear.evidence(opened=300)]

    assert [_CHIP, _CMA, "just now"] == texts


def test_a_stack_dump_stays_in_one_piece() -> None:
    """What is left out of it does not come before it, and what was written before it stays in its place."""
    ear = Ear()
    for line in ("same", "before", "same", "Fatal Python error: Aborted", "  File a", "  File left out"):
        ear.hearsay.wrote(line)
    ear.hearsay.died(("Fatal Python error: Aborted", "  File a"))
    ear.hearsay.wrote("the next worker")

    assert ["same", "before", "same", "Fatal Python error: Aborted", "  File a", "the next worker"] == (
        ear.evidence()
    )


def test_words_are_of_the_workers_of_the_incident() -> None:
    """Of the one that died at its beginning and of those after it; of none that the incident before was about."""
    ear = Ear()
    ear.hearsay.wrote("Failed to queue")
    ear.hearsay.died(("Fatal Python error",))
    ear.now += 0.1
    ear.hearsay.worker_begins(in_incident=True)
    ear.hearsay.wrote("the second is there")
    crash = ear.evidence(opened=0.1)
    ear.now += 12.0
    ear.hearsay.wrote("the second stalls")

    assert ["Failed to queue", "Fatal Python error", "the second is there"] == crash
    assert ["the second is there", "the second stalls"] == ear.evidence(opened=1.0)


def test_a_camera_that_is_taken_anew_begins_without_words() -> None:
    """After a pause, or an order for a healthy camera: if that fails, the worker before had no part in it."""
    ear = Ear()
    ear.hearsay.wrote("of the first")
    ear.hearsay.worker_begins(in_incident=True)
    ear.hearsay.wrote("of the second")
    ear.hearsay.worker_begins(in_incident=False)
    ear.hearsay.wrote("of the third")

    assert ["of the third"] == ear.evidence(opened=60.0)


def test_the_end_of_a_worker_takes_nothing_from_the_one_before() -> None:
    """Two that die with the same words are told once, and what the first wrote before them stays."""
    ear = Ear()
    for name in ("first", "second"):
        ear.hearsay.worker_begins(in_incident=True)
        for line in (name, "Fatal Python error", "  File a"):
            ear.hearsay.wrote(line)
        ear.hearsay.died(("Fatal Python error", "  File a"))

    assert ["first", "second", "Fatal Python error", "  File a"] == ear.evidence()


def test_what_only_a_drill_had_a_worker_write_is_not_said_again() -> None:
    """But what it writes once more afterwards is."""
    ear = Ear()
    for line in ("a drill", "a stack"):
        ear.hearsay.wrote(line)
    ear.hearsay.forget_the_drill()
    ear.now += 60
    ear.hearsay.wrote("a stack")
    words = ear.hearsay.died(("a drill", "a stack"))
    ear.hearsay.worker_begins(in_incident=False)

    assert ("a stack",) == words
    assert ("a drill",) == ear.hearsay.died(("a drill",))


def test_evidence_is_bounded() -> None:
    """However much is said, an incident keeps the last of it."""
    ear = Ear()
    for number in range(1000):
        ear.hearsay.wrote(f"line {number}")
        if number == 950:
            ear.hearsay.worker_begins(in_incident=True)
        ear.kernel(f"usb 1-1.3: USB disconnect, device number {number}")
    evidence = ear.evidence()

    assert 220 == len(evidence)
    assert evidence[19].endswith("number 999")
    assert "line 999" == evidence[-1]


@pytest.mark.parametrize(
    "line",
    [
        "hwmon hwmon1: Undervoltage detected!",
        "Under-voltage detected! (0x00050005)",
        "hwmon hwmon1: Voltage normalised",
    ],
)
def test_weak_power_is_known_for_as_long_as_is_asked(line: str) -> None:
    """That it is over says that it was; other lines do not."""
    ear = Ear()
    ear.kernel(_RESET)
    assert not ear.hearsay.power_failed(60.0)
    ear.kernel(line, age=59.0)

    assert ear.hearsay.power_failed(60.0)
    assert not ear.hearsay.power_failed(50.0)


def test_what_takes_its_time_has_the_kernels_last_line_for_a_reason() -> None:
    """One that would name a failure comes first; what is older than the waiting explains nothing of it."""
    ear = Ear()
    silent = ear.hearsay.reason("init-timeout", 5.0)
    ear.kernel(_RESET, age=6.0)
    before = ear.hearsay.reason("init-timeout", 5.0)
    ear.kernel(_RESET, age=1.0)
    reset = ear.hearsay.reason("init-timeout", 5.0)
    ear.kernel(_CMA)
    ear.kernel(_RESET)

    assert [("init-timeout", "")] * 2 == [silent, before]
    assert ("init-timeout", f"kernel: {_RESET}") == reset
    assert ("no-memory", f"kernel: {_CMA}") == ear.hearsay.reason("init-timeout", 5.0)


def test_what_was_said_before_the_waiting_explains_nothing_of_it() -> None:
    """A clue that would still explain a failure is too old for a worker that was started since."""
    ear = Ear()
    ear.hearsay.suspect("sensor-io", "no answer")
    ear.now += 6.0

    assert "sensor-io" == ear.hearsay.explained("init-timeout", "")[0]
    assert ("init-timeout", "") == ear.hearsay.reason("init-timeout", 5.5)
