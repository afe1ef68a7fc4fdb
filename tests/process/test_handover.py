# SPDX-License-Identifier: MIT
"""Owns the proof that a camera changes hands only after its last worker was reaped, whatever a reload makes of it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from camwatchd.adapters import log, notify
from camwatchd.adapters.child import Child
from camwatchd.adapters.devices import DeviceWatch
from camwatchd.adapters.host import Host
from camwatchd.core.records import AskLeave
from camwatchd.core.settings import CameraSettings, Daemon, Settings, Supervision
from camwatchd.core.state import Phase
from camwatchd.errors import ExitStatus
from camwatchd.loop import Signals
from camwatchd.post import Post
from camwatchd.slot import Worker
from camwatchd.supervisor import Supervisor
from camwatchd.world import World
from tests.adapters.test_host import in_unit, put

PATIENCE = 20.0  # seconds; only ever waited for in full by a test that fails


class Held(Child):
    """A worker that the kernel holds: no signal reaches it."""

    def signal(self, number: signal.Signals) -> None:
        pass


@dataclass
class Clock:
    """The time, which may be moved on."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Rigged(Supervisor):
    """A supervisor whose workers the kernel holds, if asked for; it remembers whom it hired, and who lived then."""

    clock: Clock
    hired: list[tuple[str, int]]
    held: frozenset[str] = frozenset()

    def hire(self, camera: CameraSettings, *, fresh: bool, background: bool) -> Worker | None:
        if (worker := super().hire(camera, fresh=fresh, background=background)) is None:
            return None
        self.hired.append((camera.name, worker.child.pid))
        if camera.name in self.held:
            child = worker.child
            worker = replace(worker, child=Held(child.pid, child.pidfd, child.link, child.stderr))
        return worker

    def post(self, name: str) -> Post:
        """The post of a camera."""
        return next(post for post in self.posts if post.camera.name == name)

    def until(self, reached: Callable[[], bool]) -> None:
        """Let the loop run until something is so."""
        end = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < end
            self.loop.turn(min(0.1, self._deadline() - self.clock()))
            self._tick()
            if not self._stopping:
                self._herald.tell()  # else what it owes stays due, and the loop never sleeps

    def until_healthy(self, *names: str) -> None:
        """Let the loop run until these cameras deliver."""
        self.until(lambda: all(self.post(name).state.phase is Phase.HEALTHY for name in names))


def camera(name: str, **keys: Any) -> CameraSettings:
    """A small simulated camera."""
    return CameraSettings(name=name, backend="simulated", width=64, height=48, frame_rate=20.0, **keys)


def having(*cameras: CameraSettings, **rules: float) -> Settings:
    """Settings with these cameras."""
    return Settings(daemon=Daemon(standby=False), supervision=Supervision(**rules), cameras=cameras)  # type: ignore[arg-type]


@contextmanager
def supervising(
    root: Path, settings: Settings, held: frozenset[str] = frozenset(), pid: str = ""
) -> Iterator[Rigged]:
    """A supervisor that has begun; its workers are gone afterwards whatever happens."""
    (root / "run").mkdir()
    clock = Clock()
    with (root / "log").open("w") as said:
        world = World(
            notifier=notify.from_environment({}), log=log.build("json", "info", said.fileno(), {}, clock=clock),
            signals=Signals([]), environ={**os.environ, "SYSTEMD_EXEC_PID": pid}, runtime_dir=str(root / "run"),
            state_dir=str(root / "run"),
            config=("", ""), host=Host(root), devices=DeviceWatch(str(root / "run")), clock=clock,
        )  # fmt: skip
        supervisor = Rigged(settings, world)
        supervisor.clock, supervisor.hired, supervisor.held = clock, [], held
        try:
            supervisor._start()
            yield supervisor
        finally:
            signal.set_wakeup_fd(-1)
            supervisor._stop(signal.SIGTERM)
            for _, pid_of_worker in supervisor.hired:
                release(pid_of_worker)
            supervisor.until(supervisor._is_down)
            supervisor.control.close()
            os.close(world.devices.fileno())
            for end in (world.signals._reader, world.signals._writer):
                end.close()


def release(pid: int) -> None:
    """The kernel lets a process go."""
    if Path("/proc", str(pid)).exists():
        os.kill(pid, signal.SIGKILL)


def hang(root: Path, pid: int) -> None:
    """Have the machine show a task of this process that hangs in the kernel."""
    put(
        root,
        **{
            f"proc__{pid}__task__{pid}__stat": f"{pid} (python3) D 1",
            f"proc__{pid}__task__{pid}__wchan": "vb2",
        },
    )


def pid_of(supervisor: Rigged, name: str) -> int:
    worker = supervisor.post(name).slot.worker
    assert worker is not None
    return worker.child.pid


@pytest.mark.parametrize("after", ["front", "cam0"])
def test_a_camera_with_a_new_name_waits_for_its_old_worker(tmp_path: Path, after: str) -> None:
    """A table that was renamed, or removed and put back, is opened only when the worker from before is reaped."""
    with supervising(tmp_path, having(camera("cam0")), frozenset({"cam0"})) as supervisor:
        supervisor.until_healthy("cam0")
        old = pid_of(supervisor, "cam0")
        supervisor._adapt(having())
        supervisor.held = frozenset()
        supervisor._adapt(having(camera(after)))
        before = supervisor.hired.copy()
        release(old)
        supervisor.until_healthy(after)

    assert [("cam0", old)] == before
    assert ["cam0", after] == [name for name, _ in supervisor.hired]


def test_cameras_that_swap_wait_for_each_other(tmp_path: Path) -> None:
    """Two tables that exchange their ids: none of the new workers starts before both of the old ones are reaped."""
    one, two = (
        having(camera("a", id="/x"), camera("b", id="/y")),
        having(camera("a", id="/y"), camera("b", id="/x")),
    )
    with supervising(tmp_path, one, frozenset({"a", "b"})) as supervisor:
        supervisor.until_healthy("a", "b")
        pids = pid_of(supervisor, "a"), pid_of(supervisor, "b")
        supervisor.held = frozenset()
        supervisor._adapt(two)
        release(pids[0])
        supervisor.until(lambda: supervisor.post("a").slot.worker is None)
        between = supervisor.hired.copy()
        release(pids[1])
        supervisor.until_healthy("a", "b")

    assert 2 == len(between)
    assert ["a", "b"] == sorted(name for name, _ in supervisor.hired[2:])


def test_a_free_hand_does_not_reach_for_what_another_still_holds(tmp_path: Path) -> None:
    """A camera without a worker that takes over another's id waits, though the other table comes after it."""
    one, two = (
        having(camera("a", id="/x"), camera("b", id="/y")),
        having(camera("a", id="/y"), camera("b", id="/z")),
    )
    with supervising(tmp_path, one, frozenset({"b"})) as supervisor:
        supervisor.until_healthy("a", "b")
        pid = pid_of(supervisor, "b")
        supervisor.post("a").slot.end()
        supervisor.until(lambda: supervisor.post("a").slot.worker is None)
        supervisor.held = frozenset()
        supervisor._adapt(two)
        between = supervisor.hired.copy()
        release(pid)
        supervisor.until_healthy("a", "b")

    assert ["a", "b"] == [name for name, _ in between]


def test_a_removed_camera_is_not_taken_again(tmp_path: Path) -> None:
    """A worker that could not be killed ends after its camera was removed: nobody opens that camera."""
    with supervising(
        tmp_path, having(camera("a", id="/x"), camera("b", id="/y")), frozenset({"b"})
    ) as supervisor:
        supervisor.until_healthy("a", "b")
        pid = pid_of(supervisor, "b")
        hang(tmp_path, pid)
        supervisor._adapt(having(camera("a", id="/x")))
        for _ in range(6):
            supervisor.clock.ahead += 20
            supervisor._tick()
        release(pid)
        supervisor.until(lambda: not supervisor._retired)

    assert 1 == [name for name, _ in supervisor.hired].count("b")
    assert 1 == (tmp_path / "log").read_text().count("worker.unkillable")


def test_what_cannot_be_killed_blocks_its_own_camera_only(tmp_path: Path) -> None:
    """A removed camera's worker hangs: who may be that camera is wedged until it ends, and all others are opened."""
    with supervising(tmp_path, having(camera("old", id="/x")), frozenset({"old"})) as supervisor:
        supervisor.until_healthy("old")
        pid = pid_of(supervisor, "old")
        hang(tmp_path, pid)
        supervisor._adapt(having(camera("same", model="m"), camera("other", id="/y", model="n")))
        supervisor.until_healthy("other")
        for _ in range(6):
            supervisor.clock.ahead += 5
            supervisor._tick()
        supervisor.until(lambda: supervisor.post("same").state.phase is Phase.WEDGED)
        wedged, before = supervisor.post("same").state, supervisor.hired.copy()
        release(pid)
        supervisor.until(lambda: "same" in dict(supervisor.hired))

    assert (Phase.WEDGED, "worker-unkillable") == (wedged.phase, wedged.fault)
    assert {"old", "other"} == {name for name, _ in before}


def test_a_worker_that_does_not_end_on_the_way_out_is_nothing_to_report(tmp_path: Path) -> None:
    """Told to stop, the daemon leaves it behind; so little time proves nothing: no alert, no request for a reboot."""
    with supervising(tmp_path, having(camera("cam0")), frozenset({"cam0"})) as supervisor:
        supervisor.until_healthy("cam0")
        pid, recorder = pid_of(supervisor, "cam0"), supervisor.book.pid
        assert recorder is not None
        hang(tmp_path, pid)
        os.kill(recorder, signal.SIGSTOP)
        supervisor._stop(signal.SIGTERM)
        for _ in range(8):  # SIGKILL's own time is over, the daemon's is not
            supervisor.clock.ahead += 0.5
            supervisor._tick()
        fault = supervisor.post("cam0").state.fault
        asked = [entry.record for entry in supervisor.book._entries if isinstance(entry.record, AskLeave)]
        os.kill(recorder, signal.SIGCONT)
        release(pid)
        supervisor.until(supervisor._is_down)

    assert ("", []) == (fault, asked)
    assert "alert." not in (tmp_path / "log").read_text()
    assert ExitStatus.EX_OK == supervisor._exit_status


def test_a_dead_camera_blocks_no_other(tmp_path: Path) -> None:
    """Without a reload in between, cameras whose choices overlap do not wait for each other's workers."""
    settings = having(camera("a", model="m"), camera("b", index=0))
    with supervising(tmp_path, settings, frozenset({"a"})) as supervisor:
        supervisor.until_healthy("a", "b")
        first = pid_of(supervisor, "b")
        supervisor.post("a").slot.end()
        os.kill(first, signal.SIGKILL)
        supervisor.until(lambda: len(supervisor.hired) > 2)

    assert "b" == supervisor.hired[2][0]


@pytest.mark.parametrize("import_timeout", [1.0, 9.0, 60.0])
def test_a_leftover_is_named_before_the_start_is_given_up(tmp_path: Path, import_timeout: float) -> None:
    """However short the imports may take: `leftover-worker` is said first, never "the worker cannot be killed", and
    as no reboot is granted for a camera that was never healthy, the start waits for the kernel."""
    in_unit(tmp_path, f"{os.getppid()}\n")
    settings = having(camera("a"), import_timeout=import_timeout)
    with supervising(tmp_path, settings, pid=str(os.getpid())) as supervisor:
        while not (state := supervisor.post("a").state).fault:
            supervisor.clock.ahead += 0.5
            supervisor._tick()
        supervisor.until(lambda: supervisor.post("a").state.phase is not Phase.LEAVING)
        state = supervisor.post("a").state

    assert (Phase.WEDGED, "leftover-worker", "never-healthy") == (state.phase, state.fault, state.refusal)
