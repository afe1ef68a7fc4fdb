# SPDX-License-Identifier: MIT
"""Owns the proof that each fault a camera can show is named, alerted, cured by the right rung, and over afterwards.

One daemon supervises all these cameras at once: each fails by its own script, and none may disturb another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from tests.process.daemon import QUICK, Daemon, Line, camera, daemon

STREAM, WORKER = "restart-stream", "restart-worker"
CAPTURE, BUFFER, CONNECT = "capture_failure", "buffer_error", "connection_error"
_FRONTEND = "Camera frontend has timed out!"


@dataclass(frozen=True)
class Case:
    """A camera with one fault of its script, and what must become of it."""

    name: str
    script: dict[str, Any]
    fault: str
    issue: str
    cure: str  # the rung that brings the frames back
    keys: tuple[tuple[str, object], ...] = ()


# fmt: off
CASES = (
    Case("stall",      {"kind": "stall", "until": STREAM},                    "frames-stopped",   CAPTURE, STREAM),
    Case("stall2",     {"kind": "stall", "until": WORKER},                    "frames-stopped",   CAPTURE, WORKER),
    Case("slow",       {"kind": "slow", "amount": 9.0, "until": STREAM},      "frames-stopped",   CAPTURE, STREAM),
    Case("all-lost",   {"kind": "drop", "amount": 10, "until": STREAM},       "frames-stopped",   CAPTURE, STREAM),
    Case("frozen",     {"kind": "frozen", "until": STREAM},                   "frozen-picture",   CAPTURE, STREAM,
         (("checks__frozen_after", 0.5),)),
    Case("black",      {"kind": "black", "until": STREAM},                    "black-picture",    CAPTURE, STREAM,
         (("checks__content_after", 0.5), ("checks__on_black", "recover"))),
    Case("white",      {"kind": "saturated", "until": STREAM},                "saturated-picture", CAPTURE, STREAM,
         (("checks__content_after", 0.5), ("checks__on_saturated", "recover"))),
    Case("cut-mjpeg",  {"kind": "truncated", "amount": 50, "until": STREAM},  "broken-picture",   CAPTURE, STREAM,
         (("format", "MJPEG"),)),
    Case("cut-raw",    {"kind": "truncated", "amount": 50, "until": STREAM},  "buffer-queue",     BUFFER,  STREAM),
    Case("error",      {"kind": "error", "message": "the moon is in the way", "until": STREAM},
                                                                              "capture-error",    CAPTURE, STREAM),
    Case("error-mem",  {"kind": "error", "message": "OSError: Cannot allocate memory", "until": WORKER},
                                                                              "no-memory",        BUFFER,  WORKER),
    Case("frontend",   {"kind": "stderr", "message": _FRONTEND, "until": STREAM},
                                                                              "frontend-timeout", CONNECT, STREAM),
    Case("crash",      {"kind": "crash"},                                     "worker-crashed",   CAPTURE, WORKER),
    Case("killed",     {"kind": "crash", "signal": "SIGKILL"},                "worker-crashed",   CAPTURE, WORKER),
    Case("exit",       {"kind": "exit", "amount": 3},                         "worker-exited",    CAPTURE, WORKER),
    Case("hang",       {"kind": "hang", "until": WORKER},                     "worker-silent",    CAPTURE, WORKER),
    Case("hang-hard",  {"kind": "hang", "until": WORKER, "refuse_signals": True},
                                                                              "worker-silent",    CAPTURE, WORKER),
    Case("hang-open",  {"kind": "slow-open", "amount": 60, "at": 0, "until": WORKER},
                                                                              "init-timeout",     CONNECT, WORKER),
    Case("missing",    {"kind": "missing", "at": 0, "until": WORKER},         "not-found",        CONNECT, WORKER),
    Case("gone",       {"kind": "gone", "until": WORKER},                     "device-gone",      CONNECT, WORKER),
    Case("garbage",    {"kind": "garbage"},                                   "worker-protocol",  CAPTURE, WORKER),
)
# fmt: on

# Scripts that must not become a fault.
_HARMLESS = (
    camera("good"),
    camera("late", {"kind": "slow", "amount": 0.3, "at": 1.0, "duration": 1.5}),
    camera("lossy", {"kind": "drop", "amount": 3, "at": 0.5}),
    camera("night", {"kind": "black", "at": 1.0}, checks__content_after=0.5),
    camera("hiccup", {"kind": "stall", "at": 1.5, "duration": 0.7}),
    camera("flood", {"kind": "flood", "amount": 1, "at": 1.0, "duration": 0.1}),
    camera("slow-open", {"kind": "slow-open", "amount": 1.5, "at": 0}),
)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    troubled = [camera(case.name, {"at": 1.5, **case.script}, **dict(case.keys)) for case in CASES]
    config = "".join([QUICK, *troubled, *_HARMLESS])
    with daemon(tmp_path_factory.mktemp("gallery"), config) as rig:
        yield rig


def _summary(gallery: Daemon, name: str) -> Line:
    """What is said of a camera once every other has been through its fault."""
    last = gallery.event("alert.recovery", camera="hang-hard")
    return gallery.event("camera.summary", camera=name, since=last.number)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_named_alerted_and_cured(gallery: Daemon, case: Case) -> None:
    """The alert carries the required name and the fault; the rung that cures it ends it; the score is 100 again."""
    recovery = gallery.event("alert.recovery", camera=case.name)
    fault, *rest = gallery.alerts(case.name)

    assert fault["message"].startswith(f"CAMERA_ISSUE: {case.issue}: {case.name}: {case.fault}: ")
    assert (case.fault, case.issue) == (fault["fault"], fault["camera_issue"])
    assert rest == [recovery]
    assert recovery["message"].startswith("CAMERA_RECOVERY: ")
    assert (case.cure, 1, 100) == (recovery["rung"], recovery["attempt"], recovery["health_score"])


def test_direct_evidence_is_not_counted_first(gallery: Daemon) -> None:
    """What libcamera says itself is a fault before a single capture counts as failed."""
    fault = gallery.event("alert.connection_error", camera="frontend")

    assert _FRONTEND in fault["evidence"]
    assert fault["noticed_after"] < 0.5
    assert [] == [line for line in gallery.told("capture.failed", camera="frontend") if line.at < fault.at]


def test_a_missed_capture_is_counted_to_the_limit(gallery: Daemon) -> None:
    """A stall becomes a fault with the failure that reaches max_consecutive_failures, and the score shows each."""
    fault = gallery.event("alert.capture_failure", camera="stall")
    failures = [line for line in gallery.told("capture.failed", camera="stall") if line.at <= fault.at]

    assert [(1, 90), (2, 80)] == [(line["failures"], line["health_score"]) for line in failures]


def test_lower_rungs_come_first(gallery: Daemon) -> None:
    """A stall that only a fresh worker cures has seen its stream restarted before."""
    gallery.event("alert.recovery", camera="stall2")
    rungs = [line["rung"] for line in gallery.told("ladder.action_started", camera="stall2")]

    assert [STREAM, WORKER] == rungs
    assert [STREAM] == [line["rung"] for line in gallery.told("ladder.attempt_failed", camera="stall2")]


@pytest.mark.parametrize(("name", "signal"), [("crash", 11), ("killed", 9)])
def test_the_evidence_of_a_crash_is_its_signal(gallery: Daemon, name: str, signal: int) -> None:
    """An alert about a crash says which signal ended the worker."""
    fault = gallery.event("alert.capture_failure", camera=name)

    assert f"killed by signal {signal}" in fault["evidence"]


def test_the_evidence_of_an_exit_is_its_status(gallery: Daemon) -> None:
    """An alert about a worker that left says with which status."""
    assert "exit status 3" in gallery.event("alert.capture_failure", camera="exit")["evidence"]


def test_a_hanging_worker_leaves_its_stack(gallery: Daemon) -> None:
    """What SIGTERM does not end is made to show on stderr where it hangs."""
    gallery.event("alert.recovery", camera="hang")

    assert gallery.event("worker.stderr", camera="hang", message="Fatal Python error: Aborted")


def test_a_worker_that_refuses_signals_is_killed_in_steps(gallery: Daemon) -> None:
    """SIGTERM, 2 s, SIGABRT, 2 s, SIGKILL: then it is gone, and its successor starts."""
    began = gallery.event("ladder.action_started", camera="hang-hard")
    opened = gallery.event("camera.opened", camera="hang-hard", since=began.number)
    steps = gallery.told("worker.signalled", camera="hang-hard")[:3]

    assert ["SIGTERM", "SIGABRT", "SIGKILL"] == [step["signal"] for step in steps]
    assert all(2 <= two.at - one.at < 3 for one, two in pairwise(steps))
    assert steps[-1].at < opened.at


@pytest.mark.parametrize("name", ["good", "late", "lossy", "night", "flood", "slow-open"])
def test_what_is_no_fault_is_no_alert(gallery: Daemon, name: str) -> None:
    """Late or lost frames, a night, a flood of stderr, a slow opening: said, counted, never acted on."""
    _summary(gallery, name)

    assert [] == gallery.alerts(name)
    assert [] == gallery.told("capture.failed", camera=name)
    assert len(gallery.told("camera.opened", camera=name)) == 1


def test_a_late_frame_is_said(gallery: Daemon) -> None:
    """A frame that takes longer than three frame durations is late: a word in the log, no failure."""
    assert 0.1 < gallery.event("camera.late", camera="late")["waited"] < 0.5


def test_lost_frames_are_counted(gallery: Daemon) -> None:
    """Frames that the camera's own numbers show to be lost are in the summary."""
    assert _summary(gallery, "lossy")["dropped"] > _summary(gallery, "good")["dropped"]


def test_a_black_picture_only_warns(gallery: Daemon) -> None:
    """By default a black picture is said once: nights are black."""
    remark = gallery.event("camera.black-picture", camera="night")

    assert remark["level"] == "warning"
    _summary(gallery, "night")
    assert len(gallery.told("camera.black-picture")) == 1


def test_a_hiccup_is_retried_and_said(gallery: Daemon) -> None:
    """A stall that ends before the count is full is the retry rung's: no alert, no restart."""
    hiccup = gallery.event("camera.hiccup_ended", camera="hiccup")

    assert ("retry", 100) == (hiccup["rung"], hiccup["health_score"])
    assert [] == gallery.alerts("hiccup")


def test_a_slow_opening_is_waited_for(gallery: Daemon) -> None:
    """An opening within its bound is no fault, however long it takes."""
    assert gallery.event("camera.opened", camera="slow-open")["seconds"] >= 1.5
    assert gallery.event("camera.started", camera="slow-open")


def test_the_last_words_are_told_on_a_terminal_too(gallery: Daemon) -> None:
    """The sentence, which is all that a text log shows, says what a crash was and in which call."""
    message = gallery.event("worker.last_words", camera="crash")["message"]

    assert (
        "last words of the worker (killed by signal 11): Fatal Python error: Segmentation fault" in message
    )
    assert ", line " in message
