# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera whose pictures are damaged, out of order, frozen or black, until they are not."""

import pytest

from .machine import Entry
from .scene import ITS_ENTRIES, UNIT, Scene, at, camera

pytestmark = pytest.mark.vm

DROPPED = 5.0  # s; what the driver drops does not arrive: three frame deadlines of 1.5 s, and an emulated processor
RETURNED = 0.5  # s from the camera's first good picture to three healthy captures
RESTARTED = 0.3  # s for a restart of the stream, which the alert has just ordered
SHORT_CHECKS = "[camera.cam0.checks]\nfrozen_after = 3\ncontent_after = 3\n"


@pytest.mark.parametrize("order", ["trunc 50", "err", "junk"])
@pytest.mark.scenario("frames truncated, flagged as wrong, or with headers that make no sense")
def test_frames_that_the_driver_drops(scene: Scene, order: str) -> None:
    """A driver that drops damaged frames leaves a stall: nothing else is to be seen of them."""
    scene.start()
    begun, over = scene.during(6, order, "normal")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=DROPPED)
    scene.recovery(since=over, within=RETURNED, after=alert, by="restart-stream")
    scene.undisturbed()


@pytest.mark.scenario("packets lost: frames out of order")
def test_frames_out_of_order(scene: Scene) -> None:
    """The driver queues a damaged buffer anew, behind the others, and libcamera waits for the first: order is lost.

    A camera that delivers in between is no dead one: it is never more than its stream and its worker that restart.
    """
    scene.start()
    begun = scene.order("xdev 2")
    # By chance: three such frames without three good ones in a row between them; until then they are hiccups.
    _, over = scene.order_at("normal", "EVENT=alert.capture_failure")
    alert = scene.fault("out-of-order", "capture_failure", since=begun, within=20)
    scene.machine.run("sleep 3", check=True)

    last = _last_trouble(scene, alert)
    scene.measured("last trouble after", last - over, RETURNED + RESTARTED)
    scene.machine.await_property(UNIT, "StatusText", "EXCELLENT 100/100")
    scene.undisturbed()


@pytest.mark.scenario("frozen picture")
def test_a_frozen_picture(scene: Scene) -> None:
    """Frames come, numbered and stamped as ever, and all show the same: noticed by what they show."""
    scene.start(camera(), SHORT_CHECKS)
    begun, over = scene.during(7, "same", "normal")

    alert = scene.fault("frozen-picture", "capture_failure", since=begun, within=3 + 0.7)
    scene.recovery(since=over, within=RETURNED, after=alert, by="restart-stream")
    scene.undisturbed()


@pytest.mark.scenario("frozen picture, MJPEG")
def test_a_frozen_jpeg(scene: Scene) -> None:
    """The same bytes again and again are the same picture, decoded or not."""
    scene.start(camera(format_="MJPEG"), SHORT_CHECKS)
    begun, over = scene.during(7, "same", "normal")

    alert = scene.fault("frozen-picture", "capture_failure", since=begun, within=3 + 0.7)
    scene.recovery(since=over, within=RETURNED, after=alert, by="restart-stream")
    scene.undisturbed()


@pytest.mark.scenario("black picture, where that is a fault")
def test_a_black_picture(scene: Scene) -> None:
    """Black for too long is said with its own name, if the operator says that nights are not black there."""
    scene.start(camera(), SHORT_CHECKS + 'on_black = "recover"\n')
    begun, over = scene.during(7, "black", "normal")

    alert = scene.fault("black-picture", "capture_failure", since=begun, within=3 + 1)
    scene.recovery(since=over, within=RETURNED + 0.25, after=alert, by="restart-stream")
    scene.undisturbed()


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
    begun, over = scene.during(4, "trunc 50", "normal")

    alert = scene.fault("broken-picture", "capture_failure", since=begun, within=0.7)
    scene.recovery(since=over, within=RETURNED, after=alert, by="restart-stream")
    scene.undisturbed()


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
