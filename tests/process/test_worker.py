# SPDX-License-Identifier: MIT
"""Owns the proof that a worker begins, rests and ends as it should, and says why it ended."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from camwatchd import worker_imports
from camwatchd.core.exits import WorkerExit
from camwatchd.core.messages import CameraFailed, Entering, Finished, Frames, Imported, RestartStream, Stop
from camwatchd.core.settings import ScriptedFault
from tests.process.worker_rig import PATIENCE, await_end, worker

STANDBY = ("--backend", "simulated", "--standby")


def test_imports_are_announced_before_anything_is_opened(tmp_path: Path) -> None:
    """A standby says what it imported and then nothing until it is ordered to open; then it opens."""
    with worker(tmp_path, *STANDBY) as rig:
        imported = rig.until(Imported)
        rig.order(Stop())

        assert rig.ended() == WorkerExit.CLEAN
    assert rig.reports() == [imported]
    assert imported.backend == "simulated"
    assert {"python", "numpy"} <= imported.versions.keys()
    assert 0 < imported.seconds < PATIENCE


def test_the_imports_start_no_thread(tmp_path: Path) -> None:
    """SIGABRT can land nowhere but in the main thread, whose stack it is to show; numpy would start one a core."""
    with worker(tmp_path) as rig:
        rig.until(Imported)

        tasks = Path("/proc", str(rig.process.pid), "task").iterdir()
        assert [str(rig.process.pid)] == [task.name for task in tasks]


def test_a_standby_opens_when_ordered(tmp_path: Path) -> None:
    """An order wakes a standby, and it delivers frames."""
    with worker(tmp_path, *STANDBY) as rig:
        assert rig.streaming().count == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="without the unit's LimitNICE= only root has a way back")
def test_imports_in_the_background_leave_the_processor_to_others(tmp_path: Path) -> None:
    """A standby may import while cameras run; what it does with a camera of its own is nobody's background."""
    limit = "import resource\nresource.getrlimit = lambda which: (20, 20)\n"
    (tmp_path / "sitecustomize.py").write_text(limit)
    with worker(tmp_path, *STANDBY, "--background", PYTHONPATH=str(tmp_path)) as rig:
        rig.until(Imported)
        waiting = os.getpriority(os.PRIO_PROCESS, rig.process.pid)
        rig.open()
        rig.until(Frames)
        usual = os.getpriority(os.PRIO_PROCESS, 0)

        assert (10, usual) == (waiting, os.getpriority(os.PRIO_PROCESS, rig.process.pid))


def test_who_could_not_come_back_stays_in_the_foreground(tmp_path: Path) -> None:
    """Without the unit's limit a camera would be captured at low priority for ever."""
    limit = "import resource\nresource.getrlimit = lambda which: (0, 0)\n"
    (tmp_path / "sitecustomize.py").write_text(limit)
    with worker(tmp_path, *STANDBY, "--background", PYTHONPATH=str(tmp_path)) as rig:
        rig.until(Imported)

        assert os.getpriority(os.PRIO_PROCESS, 0) == os.getpriority(os.PRIO_PROCESS, rig.process.pid)


def test_a_standby_with_changed_packages_ends(tmp_path: Path) -> None:
    """When a file of an imported camera package changes on disk, the standby says that it is stale."""
    package = tmp_path / "libcamera"
    package.mkdir()
    module = package / "__init__.py"
    module.write_text("")
    (tmp_path / "sitecustomize.py").write_text("import libcamera\n")
    with worker(tmp_path, *STANDBY, "--stale-check", "0.05", PYTHONPATH=str(tmp_path)) as rig:
        rig.until(Imported)
        module.write_text("# upgraded\n")

        assert rig.ended() == WorkerExit.STALE
    assert f"{module} changed on disk" in rig.stderr()


def test_a_failed_import_is_told_with_its_traceback(tmp_path: Path) -> None:
    """A backend that cannot be imported ends the worker with that status and the traceback on stderr."""
    with worker(tmp_path, "--backend", "no_such_backend") as rig:
        assert rig.ended() == WorkerExit.IMPORT_FAILED
    assert "ModuleNotFoundError: No module named 'camwatchd.cameras.no_such_backend'" in rig.stderr()


def test_a_worker_of_somebody_else_does_not_begin(tmp_path: Path) -> None:
    """A worker whose supervisor is not its parent (any more) ends before it does anything."""
    with worker(tmp_path, "--backend", "simulated", supervisor=os.getppid()) as rig:
        assert rig.ended() == WorkerExit.ORPHANED
    assert rig.reports() == []


def test_a_worker_dies_with_its_supervisor() -> None:
    """SIGKILL of the supervisor ends the worker although the link stays open: the kernel sees to it."""
    script = """
import os, subprocess, sys
link = sys.argv[1]
worker = subprocess.Popen([sys.executable, "-m", "camwatchd.worker", "--link", link, "--supervisor",
                           str(os.getpid()), "--backend", "simulated", "--standby"], pass_fds=[int(link)])
print(worker.pid, flush=True)
worker.wait()
"""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = [sys.executable, "-c", script, str(theirs.fileno())]
        with subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE) as supervisor:
            assert supervisor.stdout
            pidfd = os.pidfd_open(int(supervisor.stdout.readline()))
            ours.settimeout(PATIENCE)
            ours.recv(4096)  # Imported: it is alive and tied
            supervisor.kill()

            assert await_end(pidfd)
            os.close(pidfd)


def test_the_end_of_the_link_ends_a_resting_worker(tmp_path: Path) -> None:
    """A worker that waits for its order ends when the supervisor closes its end."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        rig.link.close()

        assert rig.process.wait(PATIENCE) == WorkerExit.LINK_LOST


def test_the_end_of_the_link_ends_a_capturing_worker(tmp_path: Path) -> None:
    """A worker with a camera ends too when the supervisor closes its end."""
    with worker(tmp_path) as rig:
        rig.streaming()
        rig.link.close()

        assert rig.process.wait(PATIENCE) == WorkerExit.LINK_LOST


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe", b"[]", b'{"kind":"Reboot"}', b'{"kind":"RestartStream"}', b"x" * 40000]
)
def test_garbage_ends_a_resting_worker(tmp_path: Path, garbage: bytes) -> None:
    """What is no order ends the worker with that status, and the reason is on stderr."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        rig.link.send(garbage)

        assert rig.ended() == WorkerExit.BAD_ORDER
    assert "order refused: " in rig.stderr()


def test_garbage_ends_a_capturing_worker(tmp_path: Path) -> None:
    """Garbage in the middle of a stream ends the worker too, and the camera is closed before."""
    with worker(tmp_path) as rig:
        rig.streaming()
        rig.link.send(b"garbage")

        assert rig.ended() == WorkerExit.BAD_ORDER
    assert rig.reports()[-1] == Entering("close", 10.0)


def test_orders_have_their_time(tmp_path: Path) -> None:
    """A stream cannot be restarted before it was opened, and nothing is opened twice."""
    with worker(tmp_path) as rig:
        rig.order(RestartStream(1))

        assert rig.ended() == WorkerExit.BAD_ORDER
    with worker(tmp_path) as rig:
        rig.streaming()
        rig.open()

        assert rig.ended() == WorkerExit.BAD_ORDER


@pytest.mark.parametrize("how", ["order", "signal"])
def test_a_capturing_worker_leaves_in_order(tmp_path: Path, how: str) -> None:
    """Stop and SIGTERM both mean: cancel, stop, close, each announced, and status 0."""
    with worker(tmp_path) as rig:
        rig.streaming()
        rig.order(Stop()) if how == "order" else rig.process.terminate()

        assert rig.ended() == WorkerExit.CLEAN
    calls = [report.call for report in rig.reports() if isinstance(report, Entering)]
    assert calls == ["open", "start", "cancel", "stop", "close"]


def test_a_resting_worker_leaves_on_sigterm(tmp_path: Path) -> None:
    """SIGTERM ends a worker that waits for its order with status 0."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        rig.process.terminate()

        assert rig.ended() == WorkerExit.CLEAN


def test_ctrl_c_is_left_to_the_supervisor(tmp_path: Path) -> None:
    """SIGINT does nothing to a worker: it still obeys."""
    with worker(tmp_path) as rig:
        rig.streaming()
        rig.process.send_signal(signal.SIGINT)
        rig.order(RestartStream(3))

        assert rig.until(Finished).order == 3


def test_sigabrt_leaves_the_python_stack(tmp_path: Path) -> None:
    """A worker that hangs in a call ignores SIGTERM; SIGABRT ends it and shows on stderr where it hung."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        rig.open(ScriptedFault(kind="hang", at=0.0))
        rig.until(Entering, lambda report: report.call == "open")
        rig.process.terminate()
        rig.process.send_signal(signal.SIGABRT)

        assert rig.ended() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in rig.stderr()
    assert "worker_calls.py" in rig.stderr()


def test_a_camera_that_does_not_open_ends_the_worker(tmp_path: Path) -> None:
    """A failed open is reported with exception and cause, and the worker ends with that status."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        rig.open(ScriptedFault(kind="busy", at=0.0))
        failed = rig.until(CameraFailed)

        assert rig.ended() == WorkerExit.CAMERA_FAILED
    assert failed.call == "open"
    assert failed.chain == (
        "RuntimeError('Camera __init__ sequence did not complete.')",
        "RuntimeError('Failed to acquire camera: Device or resource busy')",
    )


def test_frames_flow_while_nothing_is_wrong(tmp_path: Path) -> None:
    """A healthy camera gives frames with plausible numbers and not one other report."""
    with worker(tmp_path) as rig:
        rig.streaming(frame_rate=20)  # slow enough that a loaded machine loses none
        last = rig.until(Frames, lambda report: report.sequence > 20)
    kinds = [type(report).__name__ for report in rig.reports()]
    assert kinds[:5] == ["Imported", "Entering", "Opened", "Entering", "Streaming"]
    assert set(kinds[5:]) == {"Frames"}
    assert (last.frame_duration, last.dropped) == (0.05, 0)
    assert 0 <= last.latency <= last.latency_max < 1
    assert 0 < last.mean < 255
    assert last.deviation > 0


def test_the_shared_library_says_its_version() -> None:
    """Debian's Python part of libcamera has none beside it; without the library there is nothing to say."""
    maps = "7f00-7f01 r-xp 0 08:02 1 /usr/lib/aarch64-linux-gnu/libcamera{}\n"
    found = [
        worker_imports._libcamera(maps.format(end)) for end in (".so.0.5.2", "-base.so.0.5.1", "x.so.1")
    ]

    assert [{"libcamera": "0.5.2"}, {}, {}] == found
