# SPDX-License-Identifier: MIT
"""Proves what becomes of calls that hang in the kernel: each is named, none is taken for worse than it is."""

import pytest

from .scene import ITS_ENTRIES, NOTICED, Scene, at, camera

pytestmark = pytest.mark.vm

GONE = 7.0  # s from SIGKILL: on its way out a process stops the stream, which the kernel gives up after 5 s
UNKILLABLE_NAMED = 20.0  # s after SIGKILL
UNANSWERED = 12.0  # s; the kernel gives up a control request after 5 s: one to stop, one to start
GIVEN_UP = 31.0  # s; the timeout of restart-stream
REPLACED = 10.0  # s; a worker is executed afresh, imports and opens
# Straight to the fresh worker, and so to SIGKILL: a restart of the stream may hang for 30 s before it is given up.
NO_STREAM_RESTART = "[ladder.restart-stream]\nenabled = false\n"


@pytest.mark.scenario("control requests unanswered for 20 s, worker killed in it")
def test_open_hangs(scene: Scene) -> None:
    """Opening takes until the camera answers again; it is not given up before that, nor called unkillable."""
    scene.start()
    scene.order("nosetup")
    died = scene.kill("KILL")
    alert = scene.fault("worker-crashed", "capture_failure", since=died, within=GONE)
    scene.machine.run("sleep 20", check=True)
    over = scene.order("normal")

    scene.recovery(since=over, within=10, after=alert, by="restart-worker")
    assert not scene.machine.journal(ITS_ENTRIES, "FAULT=worker-unkillable")
    scene.undisturbed()


@pytest.mark.scenario("control requests unanswered for 20 s, stream restarted in it")
def test_stop_hangs(scene: Scene) -> None:
    """The same for stop and start, which the kernel gives up after 5 s each; then a fresh worker's open hangs."""
    scene.start()
    scene.order("nosetup")
    begun = scene.order("stall")
    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    unanswered = scene.fault("sensor-io", "connection_error", since=at(alert), within=UNANSWERED)
    scene.machine.run(f"sleep {20 - (at(unanswered) - begun)}", check=True)
    over = scene.order("normal")

    scene.recovery(since=over, within=10, after=unanswered, by="restart-worker")
    assert scene.climbed(after=alert) == ["restart-stream", "restart-worker"]
    assert not scene.machine.journal(ITS_ENTRIES, "FAULT=worker-unkillable")
    scene.undisturbed()


@pytest.mark.scenario("host controller wedged for 40 s")
def test_wedged_controller(scene: Scene) -> None:
    """The restart of the stream hangs in the kernel and is given up; its worker ends with the wedge, replaced."""
    scene.start()
    begun, over = scene.during(40, "deaf", "normal")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    hangs = scene.fault("worker-silent", "capture_failure", since=at(alert), within=GIVEN_UP, after=alert)
    scene.recovery(since=over, within=REPLACED, after=hangs, by="restart-worker")
    assert scene.climbed(after=alert) == ["restart-stream", "restart-worker"]
    assert not scene.machine.journal(ITS_ENTRIES, "FAULT=worker-unkillable")
    scene.undisturbed()


@pytest.mark.scenario("host controller wedged for 40 s, SIGKILL without effect")
def test_unkillable_for_a_while(scene: Scene) -> None:
    """Named when SIGKILL has had no effect, straight to the reboot, which has to wait; the wedge ends before that."""
    scene.start(camera(), NO_STREAM_RESTART)
    begun = scene.order("deaf")
    first = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    killed = scene.entry("EVENT=worker.signalled", "SIGNAL=SIGKILL", after=first)
    named = scene.fault(
        "worker-unkillable", "capture_failure", since=at(killed), within=UNKILLABLE_NAMED, after=killed
    )
    assert "task" in named["EVIDENCE"]
    waits = scene.entry("EVENT=ladder.leave_refused", "REFUSAL=min-uptime", after=named)
    scene.machine.run(f"sleep {max(0.0, 40 - (at(waits) - begun))}", check=True)
    over = scene.order("normal")

    scene.recovery(since=over, within=REPLACED, after=named, by="restart-worker")
    assert not scene.machine.journal(ITS_ENTRIES, "EVENT=service.leaving")
    scene.undisturbed()


@pytest.mark.scenario("camera wedged until its USB port is reset")
def test_only_a_reset_helps(scene: Scene) -> None:
    """No restart of the stream or of the worker brings frames; the reset of the port does."""
    scene.start(camera(), NO_STREAM_RESTART, "[ladder.restart-worker]\nattempts = 1\n")
    begun = scene.order("wedge")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    reset = scene.entry("EVENT=ladder.action_started", "RUNG=reset-device", after=alert)
    scene.recovery(since=at(reset), within=15, after=reset, by="reset-device")
    assert not scene.machine.journal(ITS_ENTRIES, "EVENT=service.leaving")
    scene.undisturbed()
