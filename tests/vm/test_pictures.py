# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera whose pictures are damaged, out of order, frozen or black, until they are not."""

import pytest

from .machine import Entry
from .scene import ITS_ENTRIES, RETURNED, UNIT, Scene, at, camera

pytestmark = pytest.mark.vm

RESTARTED = 0.5  # s for a restart of the stream, which the alert has just ordered
BRIGHTENED = 0.45  # s; how bright a picture is is measured every 0.25 s
CHECKED = 3  # s that a picture may be the same, or black
SHORT_CHECKS = f"[camera.cam0.checks]\nfrozen_after = {CHECKED}\ncontent_after = {CHECKED}\n"


@pytest.mark.parametrize("order", ["trunc 50", "err", "junk"])
@pytest.mark.scenario("frames truncated, flagged as wrong, or with headers that make no sense")
def test_frames_that_the_driver_drops(scene: Scene, order: str) -> None:
    """A driver that drops damaged frames leaves a stall: nothing else is to be seen of them."""
    scene.start()

    scene.cured(order, 6, "frames-stopped")


@pytest.mark.scenario("packets lost: frames out of order")
def test_frames_out_of_order(scene: Scene) -> None:
    """The driver queues a damaged buffer anew, behind the others, and libcamera waits for the first: order is lost.

    A camera that delivers in between is no dead one: it is never more than its stream and its worker that restart.
    """
    scene.start()
    begun = scene.order("xdev 2")
    # By chance: three such frames without three good ones in a row between them; until then they are hiccups.
    first, over = scene.order_at("normal", "EVENT=alert.capture_failure")
    alert = scene.fault("out-of-order", "capture_failure", since=begun, within=20)
    scene.machine.run("sleep 3", check=True)

    last = _last_trouble(scene, alert)
    scene.measured("last trouble after", last - over, RETURNED + RESTARTED)
    scene.machine.await_property(UNIT, "StatusText", "EXCELLENT 100/100")
    assert set(scene.climbed(after=first)) <= {"restart-stream", "restart-worker"}
    scene.undisturbed()


@pytest.mark.parametrize("format_", ["YUYV", "MJPEG"])
@pytest.mark.scenario("frozen picture, as YUYV or as MJPEG")
def test_a_frozen_picture(scene: Scene, format_: str) -> None:
    """Frames come, numbered and stamped as ever, and all show the same: noticed by what they show, decoded or not."""
    scene.start(camera(format_=format_), SHORT_CHECKS)

    scene.cured("same", 7, "frozen-picture", noticed=CHECKED + 0.7)


@pytest.mark.scenario("black picture, where that is a fault")
def test_a_black_picture(scene: Scene) -> None:
    """Black for too long is said with its own name, if the operator says that nights are not black there."""
    scene.start(camera(), SHORT_CHECKS + 'on_black = "recover"\n')

    scene.cured("black", 7, "black-picture", noticed=CHECKED + 1, returned=RETURNED + BRIGHTENED)


@pytest.mark.scenario("black picture, where it may be night")
def test_a_night(scene: Scene) -> None:
    """By default a black picture is only remarked upon; nor is it taken for a frozen one, same as all are."""
    scene.start(camera(), SHORT_CHECKS)
    scene.during(7, "black", "normal")

    remark = scene.entry("EVENT=camera.black-picture")
    assert "mean brightness" in remark["MESSAGE"]
    assert not scene.machine.journal(ITS_ENTRIES, "EVENT=alert.capture_failure")
    scene.undisturbed()


@pytest.mark.scenario("truncated MJPEG")
def test_truncated_jpegs(scene: Scene) -> None:
    """The camera stack delivers them as good ones; their missing end tells."""
    scene.start(camera(format_="MJPEG"))

    scene.cured("trunc 50", 4, "broken-picture", noticed=0.7)


def _last_trouble(scene: Scene, after: Entry) -> float:
    """When the last failed capture, or the end of the last incident, was said."""
    cursor = f"--after-cursor={after['__CURSOR']}"
    events = ("capture.failed", "camera.hiccup_ended", "alert.capture_failure", "alert.recovery")
    entries = [
        entry for event in events for entry in scene.machine.journal(ITS_ENTRIES, f"EVENT={event}", cursor)
    ]
    last = max(entries, key=at)
    assert last["EVENT"] in ("camera.hiccup_ended", "alert.recovery"), last["MESSAGE"]
    return at(last)
