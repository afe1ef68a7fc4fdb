# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera whose frames stop, or come too slowly, and then return."""

import pytest

from .machine import Entry
from .scene import RETURNED, Scene, at, camera

pytestmark = pytest.mark.vm

DEADLINE = 1.5  # s without a frame are a failed capture; three of them a fault
PROMPT = 0.05  # s at most between a deadline and what is done about it
# Since the last frame: PROMPT three times, and the alert's way into the journal, on an emulated processor.
NOTICED = 3 * DEADLINE + 0.5
LATE = 3 / 30 + 2 * PROMPT  # s; three frame times, the worker's wake-up and the supervisor's
STARTED = 0.3  # s for an open camera to start, on an emulated processor
DELAYED = 0.4  # s; two control requests that the camera delays by 200 ms each
ENDED = 0.6  # s for the old worker to close the camera and end, before the next may open it

# The same ladder with shorter stays on each rung, and forgiving at once: several stalls fit into one scenario.
SHORT = """
[supervision]
stable_after = 1
[ladder.restart-stream]
attempts = 1
settle = 3
[ladder.restart-worker]
attempts = 2
settle = 4
"""
ONCE = SHORT.replace("attempts = 2", "attempts = 1")


@pytest.mark.scenario("frames stop for 5 s")
def test_a_stall_of_five_seconds(scene: Scene) -> None:
    """Noticed at the third deadline, and over as soon as the frames are back."""
    scene.start()

    alert = scene.cured("stall", 5, "frames-stopped", noticed=NOTICED)
    _acted_on_at_once(scene, alert)


@pytest.mark.scenario("frames stop for 60 s")
def test_a_stall_of_a_minute(scene: Scene) -> None:
    """The ladder climbs meanwhile; whatever it is doing, frames that return end the incident at once."""
    scene.start(camera(), '[daemon]\nlog_level = "debug"\n')
    begun = scene.order("stall")
    _said_late(scene, since=begun)
    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    third = ("EVENT=ladder.action_started", "RUNG=restart-worker", "ATTEMPT=3")
    opened = scene.entry("EVENT=camera.opened", after=scene.entry(*third, after=alert, timeout=90))
    scene.machine.run("sleep 1", check=True)  # until it settles: a minute since the stall began
    over = scene.order("normal")

    scene.recovery(since=over, within=RETURNED, after=opened, by="restart-worker")
    assert scene.climbed(after=alert) == 2 * ["restart-stream"] + 3 * ["restart-worker"]
    scene.undisturbed()


@pytest.mark.scenario("frames return while the ladder keeps the stream: restart of it, pause")
def test_frames_return_to_the_same_worker(scene: Scene) -> None:
    """A stream that is being restarted, or is about to be given up, is healthy as soon as it has frames."""
    scene.start(SHORT, camera())
    worker = scene.pid()

    scene.order("setup_delay 200")  # so that a restart takes its time: it makes about six control requests
    alert = _stalled(scene)
    action, over = scene.order_at(
        "normal", "EVENT=ladder.action_started", "RUNG=restart-stream", after=alert
    )
    last = scene.recovery(since=over, within=RETURNED + DELAYED, after=action, by="restart-stream")

    alert = _stalled(scene, after=last)
    pause, over = scene.order_at("normal", "EVENT=ladder.waiting", "RUNG=restart-worker", after=alert)
    scene.recovery(since=over, within=RETURNED, after=pause, by="itself")

    assert worker == scene.pid()
    scene.undisturbed()


@pytest.mark.scenario(
    "frames return while a worker is replaced: by the standby, by a fresh one, in its settle"
)
def test_frames_return_to_the_next_worker(scene: Scene) -> None:
    """What remains of its start is waited for, and nothing else."""
    scene.start(SHORT, camera())
    scene.await_standby()
    start, opening = _first_start(scene)
    replaced = ("EVENT=ladder.action_started", "RUNG=restart-worker")

    alert = _stalled(scene)
    action, over = scene.order_at("normal", *replaced, "ATTEMPT=1", after=alert)
    last = scene.recovery(since=over, within=ENDED + opening + RETURNED, after=action, by="restart-worker")

    alert = _stalled(scene, after=last)
    action, over = scene.order_at("normal", *replaced, "ATTEMPT=2", after=alert)
    last = scene.recovery(since=over, within=ENDED + start + RETURNED, after=action, by="restart-worker")

    alert = _stalled(scene, after=last)
    action = scene.entry(*replaced, after=alert)
    opened, over = scene.order_at("normal", "EVENT=camera.opened", after=action)
    scene.recovery(since=over, within=STARTED + RETURNED, after=opened, by="restart-worker")
    scene.undisturbed()


@pytest.mark.scenario("frames return in the cooldown after the last rung")
def test_frames_return_in_the_cooldown(scene: Scene) -> None:
    """However long the pause is that an exhausted ladder makes, the camera is watched all the time."""
    scene.start(ONCE, camera(more="required = false"), "[ladder.reset-device]\nenabled = false")
    alert = _stalled(scene)
    said = scene.entry("EVENT=alert.critical", after=alert, timeout=90)
    pause, over = scene.order_at("normal", "EVENT=ladder.waiting", after=said)

    assert pause["SECONDS"] == "30", pause["MESSAGE"]
    scene.recovery(since=over, within=RETURNED, after=pause, by="itself")
    scene.undisturbed()


@pytest.mark.scenario("frames return while the USB device is reset")
def test_frames_return_during_a_reset(scene: Scene) -> None:
    """The fresh worker that is to prove the reset finds them."""
    scene.start(ONCE, camera())
    start, _ = _first_start(scene)
    alert = _stalled(scene)
    action, over = scene.order_at(
        "normal", "EVENT=ladder.action_started", "RUNG=reset-device", after=alert, timeout=90
    )

    reset = ENDED + 1.5  # s; twice what the helper that resets takes
    scene.recovery(since=over, within=reset + start + RETURNED, after=action, by="reset-device")
    scene.undisturbed()


@pytest.mark.scenario("frames return while the service is restarted")
def test_frames_return_during_a_restart_of_the_service(scene: Scene) -> None:
    """The only rung that leaves the camera alone for longer: RestartSec=, and a start from nothing."""
    scene.start(ONCE, camera(), "[ladder.reset-device]\nenabled = false")
    alert = _stalled(scene)
    asked, over = scene.order_at("normal", "EVENT=ladder.leave_asked", after=alert, timeout=120)

    restart = 15 + 10  # s; RestartSec= and twice what systemd and Python took for the first start
    start, _ = _first_start(scene)
    scene.recovery(since=over, within=restart + start + RETURNED, after=asked, by="restart-service")
    assert scene.machine.unit("camwatchd.service", "NRestarts") == {"NRestarts": "1"}


@pytest.mark.scenario("frames come only every 2 s for 9 s")
def test_a_slow_camera(scene: Scene) -> None:
    """Too slow for its pace is missing frames; once it keeps it again it is healthy at once."""
    scene.start()
    begun, over = scene.during(9, "every 2000", "normal")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=3 * 2.0 + 0.7)
    scene.recovery(since=over, within=RETURNED, after=alert, by="restart-stream")
    assert set(scene.climbed(after=alert)) == {"restart-stream"}
    scene.undisturbed()


@pytest.mark.scenario("frames come only every 2 s from now on")
def test_a_camera_that_stays_slow(scene: Scene) -> None:
    """As soon as its frames have told their duration that is its pace, and nothing is restarted for it any more."""
    scene.start()
    begun = scene.order("every 2000")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=3 * 2.0 + 0.7)
    healthy = scene.recovery(since=begun, within=25, after=alert, by="restart-stream")
    scene.machine.run("sleep 8", 20, check=True)
    said = scene.machine.journal(f"--after-cursor={healthy['__CURSOR']}", "EVENT=alert.capture_failure")
    assert not said
    scene.undisturbed()


def _stalled(scene: Scene, after: Entry | None = None) -> Entry:
    if after:
        scene.machine.run("sleep 1.5", check=True)  # longer than stable_after: the ladder begins at its foot
    begun = scene.order("stall")
    return scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED, after=after)


def _acted_on_at_once(scene: Scene, alert: Entry) -> None:
    late = float(alert["NOTICED_AFTER"]) - 3 * DEADLINE
    action = scene.entry("EVENT=ladder.action_started", after=alert)
    scene.measured("late at three deadlines", late, 3 * PROMPT)
    scene.measured("acted on after", at(action) - at(alert), PROMPT)


def _said_late(scene: Scene, since: float) -> None:
    """In the journal, on its debug level: the status line says so too, but nothing could wait for that in time."""
    scene.entry("EVENT=capture.failed")
    late = next(entry for entry in scene.machine.journal("EVENT=camera.late") if at(entry) > since)
    scene.measured("late said after", at(late) - since, LATE)


def _first_start(scene: Scene) -> tuple[float, float]:
    """What the first worker took from its execution, and from its call to open, to healthy frames."""
    began, opened, healthy = (
        scene.entry(f"EVENT={event}") for event in ("worker.starting", "camera.opened", "camera.started")
    )
    return at(healthy) - at(began), at(healthy) - at(opened) + float(opened["SECONDS"])
