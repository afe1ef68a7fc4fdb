# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera when others are to blame: who holds it, who kills its worker, who floods the log."""

import pytest

from .scene import ITS_ENTRIES, NOTICED, RETURNED, UNIT, Scene, at, camera

pytestmark = pytest.mark.vm

HOLDER = """
import signal
from picamera2 import Picamera2
camera = Picamera2()
camera.start()
camera.capture_metadata()
print("holding")
signal.pause()
"""
PROBED = 30.0  # s after its release at most: the pause between two probes, and what opening takes
REPLACED = 3.0  # s until a worker that died is replaced by the standby and has proved it
STOPPED_NOTICED = 8.0  # s; three reports that did not come
ENDED = 6.0  # s; SIGTERM and SIGABRT do not reach a stopped process, SIGKILL 4 s later does
RATE = 10  # frames a second that two emulated cameras can keep up
SUMMARIES = "[daemon]\nsummary_interval = 5\n"


@pytest.mark.scenario("held by another picamera2 program")
def test_held_by_another_program(scene: Scene) -> None:
    """Its holder is named; nothing is climbed, and the camera is taken soon after it was released."""
    holder = scene.other_program(HOLDER, until="holding")
    begun = scene.now()
    scene.start(healthy=False)

    alert = scene.fault("busy", "connection_error", since=begun, within=20)
    assert f"held by python3 (pid {holder})" in alert["MESSAGE"]
    released = scene.now()
    scene.machine.run(f"kill {holder}", check=True)
    scene.recovery(since=released, within=PROBED, after=alert, by="restart-worker")
    assert not scene.machine.journal(ITS_ENTRIES, "EVENT=alert.critical")
    scene.undisturbed()


@pytest.mark.scenario("worker killed by SIGKILL")
def test_killed(scene: Scene) -> None:
    """The standby takes its place."""
    scene.start()
    scene.await_standby()

    _replaced(scene, scene.kill("KILL"), signal=9, noticed=0.5)


@pytest.mark.scenario("worker crashed with SIGSEGV")
def test_crashed(scene: Scene) -> None:
    """The same, and its last words tell where it was."""
    scene.start()
    scene.await_standby()

    _replaced(scene, scene.kill("SEGV"), signal=11, noticed=1)
    words = scene.entry("EVENT=worker.last_words")
    assert "Fatal Python error: Segmentation fault" in words["EVIDENCE"]


@pytest.mark.scenario("worker killed by the kernel, out of memory")
def test_out_of_memory(scene: Scene) -> None:
    """The kernel's own choice falls on the worker; OOMPolicy=continue leaves the rest of the unit alone."""
    scene.start()
    scene.await_standby()
    scene.machine.run(f"choom -n 1000 -p {scene.pid()}", check=True)
    died = scene.now()
    scene.machine.run("echo f > /proc/sysrq-trigger", check=True)

    _replaced(scene, died, signal=9, noticed=2)
    assert scene.machine.run("dmesg | grep 'Out of memory: Killed process'").stdout


@pytest.mark.scenario("worker stopped (our own hang)")
def test_stopped(scene: Scene) -> None:
    """A worker that says nothing is named for that, ended although it does not react, and replaced."""
    scene.start()
    stopped = scene.kill("STOP")

    alert = scene.fault("worker-silent", "capture_failure", since=stopped, within=STOPPED_NOTICED)
    ended = scene.entry("EVENT=worker.signalled", "SIGNAL=SIGKILL", after=alert)
    scene.measured("ended after", at(ended) - at(alert), ENDED)
    scene.recovery(since=at(ended), within=REPLACED, after=alert, by="restart-worker")
    scene.undisturbed()


@pytest.mark.scenario("libcamera's debug log floods stderr")
def test_a_flood_of_log_lines(scene: Scene) -> None:
    """The supervisor reads it all, has time to spare, and notices a stall as ever."""
    scene.drop_in("[Service]\nEnvironment=LIBCAMERA_LOG_LEVELS=*:DEBUG\n")
    scene.start()
    share = scene.cpu_share("bin/camwatchd", seconds=10)
    scene.measured("of 10 s the supervisor worked", 10 * share, 2.0)

    scene.cured("stall", 5, "frames-stopped")


@pytest.mark.scenario("wall clock years back and forward")
def test_the_time_of_day(scene: Scene) -> None:
    """Nothing happens: no fault, the watchdog is paid, and a stall is noticed as ever."""
    scene.drop_in("[Service]\nWatchdogSec=20\n")  # pings come every 5 s
    scene.start()
    for year in (1971, 2037, 2026):
        scene.machine.run(f"date --set {year}-03-01", check=True)
        scene.await_ping()
    assert not scene.machine.journal(ITS_ENTRIES, "EVENT=capture.failed")

    scene.cured("stall", 5, "frames-stopped")


@pytest.mark.scenario("two cameras, one of them dead until its worker is replaced")
def test_a_dead_camera_beside_a_healthy_one(scene: Scene) -> None:
    """The other one gives every frame meanwhile, from the same worker.

    Its frames alone do not pay for the watchdog: a lease covers the dead one's incident, and nothing pings.
    """
    scene.machine.plug_in_another()
    for port in (0, 1):
        scene.order(f"fps {RATE}", port)
    scene.start(SUMMARIES, camera("well", more=at_port(0)), camera("dead", more=at_port(1)), healthy=False)
    for name in ("well", "dead"):
        scene.entry("EVENT=camera.started", f"CAMERA={name}")
    scene.await_standby()
    worker = scene.pid()
    begun = scene.order("stall", port=1)
    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED, name="dead")
    replaced = scene.entry("EVENT=ladder.action_started", "RUNG=restart-worker", "CAMERA=dead", after=alert)
    opened = scene.entry("EVENT=camera.opened", "CAMERA=dead", after=replaced)
    scene.machine.run("sleep 1", check=True)  # until it settles
    over = scene.order("normal", port=1)

    # Three frames of this pace, in place of three of 30 a second.
    scene.recovery(since=over, within=RETURNED + 3 / RATE, after=opened, by="restart-worker", name="dead")
    assert scene.climbed(after=alert, name="dead") == ["restart-stream", "restart-stream", "restart-worker"]
    both = "(?=.*dead EXCELLENT)(?=.*well EXCELLENT)"  # in any order
    scene.machine.await_property(UNIT, "StatusText", both)
    summaries = scene.machine.journal(ITS_ENTRIES, "EVENT=camera.summary", "CAMERA=well")
    first, *_, last = (entry for entry in summaries if at(alert) < at(entry) < over)
    assert first["WATCHDOG_PINGS"] == last["WATCHDOG_PINGS"]
    lost = int(last["DROPPED"]) - int(first["DROPPED"])  # by their numbers: those that the camera did send
    scene.measured("frames lost beside it", lost / RATE, 0.5)
    failed = scene.machine.journal(ITS_ENTRIES, "EVENT=capture.failed", "CAMERA=well")
    assert [] == [entry["MESSAGE"] for entry in failed if begun < at(entry)]
    assert scene.pid() == worker
    scene.undisturbed()


def _replaced(scene: Scene, died: float, *, signal: int, noticed: float) -> None:
    """By the standby, for the reason that the kernel gives."""
    alert = scene.fault("worker-crashed", "capture_failure", since=died, within=noticed)
    assert f"killed by signal {signal}" in alert["MESSAGE"]
    scene.recovery(since=died, within=REPLACED, after=alert, by="restart-worker")
    scene.undisturbed()


def at_port(port: int) -> str:
    """The camera's key in its table: what libcamera calls it, wherever its node is."""
    return f'id = "/base/soc/usb@0-{port + 1}:1.0-1d6b:0102"'
