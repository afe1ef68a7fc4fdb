# SPDX-License-Identifier: MIT
"""Proves that recoveries of every kind are nothing but pauses to eight readers in processes of their own."""

import os
import signal
import time
from pathlib import Path

from camwatchd.frames.layout import WORD
from camwatchd.frames.reader import Reader
from tests.frames.reading import Gauges, Readers, gauges, readers
from tests.frames.rig import ring
from tests.process.daemon import PATIENCE, Daemon, await_end, camera, daemon

READERS = 8
RATE = 50
STREAMS, CRASHES, COPIES, SERVICES = 20, 2, 5, 3  # recoveries of each kind: 30
WARM = 3  # streams after which everything that is loaded once has been loaded
RESUMED = 0.1  # s from the first good frame until every reader has one
NOTICED = 5.0  # s
GROWN = 512  # kB that allocators may keep; what is lost at each recovery comes to more

_APART = 8  # frames from the end of one fault to the next
_ERRING = 15  # frames more that pass while the camera raises errors
_CONFIG = """
[daemon]
standby = false
[supervision]
max_consecutive_failures = 1
frame_timeout = 0.15
first_frame_timeout = 2
recovery_cooldown = 0.1
system_reboot_threshold = 1000
[ladder.restart-service]
enabled = false
[ladder.restart-stream]
attempts = 20
settle = 1.5
[ladder.restart-worker]
attempts = 20
timeout = 4
settle = 2.5
backoff = 0.1
"""


def script() -> list[dict[str, object]]:
    """Stalls and errors that a restart of the stream cures, then crashes."""
    stall: dict[str, object] = {"kind": "stall", "until": "restart-stream"}
    error = {"kind": "error", "message": "simulated", "until": "restart-stream"}
    faults = [error if n % 10 == 9 else stall for n in range(STREAMS)] + [{"kind": "crash"}] * CRASHES
    frame, timed = 0, []
    for fault in faults:
        frame += _APART
        timed.append({**fault, "at_frame": frame})
        frame += _ERRING if fault is error else 0
    return timed


def test_eight_readers_through_thirty_recoveries(tmp_path: Path) -> None:
    """No frame is torn or out of order, all go on within 100 ms, and nothing has grown anywhere."""
    config = _CONFIG + camera("cam0", *script(), width=320, height=240, frame_rate=RATE, required=False)
    with readers(tmp_path, READERS, RATE) as attached:
        with daemon(tmp_path, config) as running:
            running.event("camera.started")
            attached.await_streams(WARM)
            worker = running.worker()
            before, first = gauges(running.pid), gauges(worker)
            fresh = [gauges(pid) for pid in attached.pids]
            attached.await_streams(STREAMS)
            assert_no_growth(worker, first)
            attached.await_streams(STREAMS + CRASHES)
            kill_in_mid_copy(running, attached)
            assert_no_growth(running.pid, before)
        for done in range(1, SERVICES + 1):
            with daemon(tmp_path, config):
                seen = attached.await_streams(STREAMS + CRASHES + COPIES + done)
                for pid, early in zip(attached.pids, fresh, strict=True):
                    assert_no_growth(pid, early)

    assert [[]] * READERS == [reader.wrong for reader in seen]
    assert max(max(reader.resumed) for reader in seen) < RESUMED


def kill_in_mid_copy(running: Daemon, attached: Readers) -> None:
    """Each worker in turn dies between the two stores that say which frame is in a slot."""
    with ring(running.directory / "run" / "control.sock") as reader:
        for done in range(1, COPIES + 1):
            pid = running.worker()
            stop_in_mid_copy(pid, reader)
            os.kill(pid, signal.SIGKILL)
            await_end(pid)
            attached.await_streams(STREAMS + CRASHES + done)


def stop_in_mid_copy(pid: int, reader: Reader) -> None:
    """A process that is stopped is where it was: it is let go on and stopped again until that is in mid-copy."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        coming = (reader.head + 1) % WORD
        if reader._sequence(coming) % 2 == 0:
            continue
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            pass
        if reader._sequence(coming) % 2:
            return
        os.kill(pid, signal.SIGCONT)
    raise AssertionError("the worker was never seen in mid-copy")


def assert_no_growth(pid: int, before: Gauges) -> None:
    """Once it has noticed who has left."""
    until = time.monotonic() + NOTICED
    while (now := gauges(pid)).descriptors > before.descriptors and time.monotonic() < until:
        time.sleep(0.05)
    assert (before.descriptors, before.rings) == (now.descriptors, now.rings)
    assert now.memory - before.memory < GROWN
