# SPDX-License-Identifier: MIT
"""Owns the loop: sleep until the earliest deadline, hear what arrived, act, and pay the watchdog last.

One thread, no blocking call. Whatever may hang runs in a worker or a helper process.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from camwatchd.adapters import rundir
from camwatchd.adapters.child import spawn_worker
from camwatchd.adapters.stderr import StderrReader
from camwatchd.bookkeeper import Bookkeeper
from camwatchd.control.protocol import SOCKET_NAME
from camwatchd.control.server import Server
from camwatchd.core import events as ev
from camwatchd.core import records as rec
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import CameraSettings, Daemon, Settings
from camwatchd.core.state import REAP_BOUND, Phase, Policy
from camwatchd.departure import Departure
from camwatchd.desk import Desk
from camwatchd.errors import ExitStatus
from camwatchd.herald import Herald
from camwatchd.kernel_watch import KernelWatch
from camwatchd.leftovers import Leftovers
from camwatchd.loop import Loop
from camwatchd.post import Post
from camwatchd.reloading import Reloading
from camwatchd.slot import Worker
from camwatchd.standby import Standby, backend_of
from camwatchd.world import World, recorder_arguments

# Seconds from SIGTERM to our own end; systemd counts a stop of more than 5 as a failure, and a busy Pi needs up to
# half a second to end an interpreter.
DOWN_WITHIN = 4.2
_BUSY_PHASES = (Phase.STARTING, Phase.ACTING, Phase.SETTLING)
_NEVER = float("inf")


class Part(Protocol):
    """Something in the supervisor that wants to be called at a certain time."""

    @property
    def deadline(self) -> float:
        """When."""

    def tick(self) -> None:
        """Do what is due."""


class Supervisor:
    """The daemon's main object: `run()` until SIGTERM or SIGINT."""

    def __init__(self, settings: Settings, world: World) -> None:
        self.settings, self.world = settings, world
        self.loop = Loop()
        self.standby = Standby(
            loop=self.loop, log=world.log, host=world.host, clock=world.clock, environ=world.environ
        )
        self.leftovers = Leftovers(self.loop, world.host, world.log, world.clock)
        self.reloading = Reloading(
            self.loop, world.log, world.clock, world.environ, world.config, self._adapt
        )
        arguments = recorder_arguments(world, rundir.boot_id())
        self.book = Bookkeeper(self.loop, world.log, world.clock, world.environ, arguments, self._hear_signs)
        self.departure = Departure(world.runtime_dir, self.book, world.log, world.clock, self._leave)
        self.control = Server(Desk(self), world.log, world.clock)
        self.posts = [self._post(camera) for camera in settings.cameras]
        self.kernel = KernelWatch(self.loop, world.log, world.clock, world.environ, self.posts)
        self._retired: list[Post] = []  # of cameras that the configuration no longer has
        self._herald = Herald(
            world.notifier, world.log, world.clock,
            posts=self.posts, note=self.note_for_humans, summary_interval=settings.daemon.summary_interval,
        )  # fmt: skip
        self._probe_at = _NEVER
        self.since = world.clock()
        self._reload_waiters: list[Callable[[str], None]] = []
        self._down_by = _NEVER
        self._exit_status = ExitStatus.EX_OK

    # --- the loop -----------------------------------------------------------------------------------------

    def run(self) -> ExitStatus:
        """Supervise until told to stop, or until leaving is the remedy; everything is down on return."""
        self._start()
        while not self._is_down():
            self.loop.turn(self._deadline() - self.world.clock())
            self._tick()
            self.control.look()
            if not self._stopping:
                self._herald.tell()
        self.control.close()
        return self._exit_status

    def _start(self) -> None:
        world = self.world
        self.loop.watch(world.signals.fileno(), self._on_signal)
        if world.devices.fileno() >= 0:
            self.loop.watch(world.devices.fileno(), self._on_device)
        # Only as a unit of our own (systemd says whom it executed) everybody else in our cgroup is left over.
        if world.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()):
            patience = REAP_BOUND + self.settings.supervision.import_timeout
            self.leftovers.look(self.vacated, self._still_blocked, patience)
        self._open_control()
        self.kernel.begin()
        self.book.begin(rec.Begin(world.version, world.pid))
        self._say_what_to_keep()
        for post in self.posts:
            post.outlook.begin()
        kept = self.departure.kept
        self.departure.started()
        for post in self.posts:
            self._take_up(post, kept)
        self._herald.ready()
        world.log.info(
            "daemon.started", message=f"supervising {', '.join(p.camera.name for p in self.posts) or 'no camera'}",
            pid=os.getpid(), watchdog=world.notifier.watchdog_interval,
        )  # fmt: skip

    def _open_control(self) -> None:
        """Without its socket the daemon does its work all the same; camwatchctl says what it finds."""
        path = Path(self.world.runtime_dir, SOCKET_NAME)
        try:
            self.control.listen(path)
        except OSError as error:
            text = f"{path}: {error}; camwatchctl finds no daemon, the cameras are supervised all the same"
            self.world.log.warning("control.unavailable", message=text)
            return
        self.loop.watch(self.control.fileno(), self.control.serve)

    def _take_up(self, post: Post, kept: rundir.Kept) -> None:
        """A camera begins where the last start of this boot has left it."""
        if (controls := kept.controls.get(post.camera.name)) and controls.table == post.camera.controls:
            post.adjusting.kept = dict(controls.kept)
        name, left = post.camera.name, kept.paused.get(post.camera.name, 0.0) - self.world.clock()
        if left > 0:
            post.begin_paused(left)
        elif name in kept.incidents:
            post.resume(kept.incidents[name])
        else:
            post.begin()

    def _parts(self) -> tuple[Part, ...]:
        """Whatever has a deadline. On the way out the ladder stands still; only the workers are ended."""
        if self._stopping:
            slots = (post.slot for post in (*self.posts, *self._retired))
            return (self.standby, self.book, self.control, self.kernel, self.world.log, *slots)
        helpers = (self.standby, self.leftovers, self.reloading, self.book, self.control, self.kernel)
        return (*helpers, self.world.log, *self.posts, *(post.slot for post in self._retired))

    def _deadline(self) -> float:
        own = [self._down_by]
        if not self._stopping:
            own += [self._herald.deadline, self._probe_at]
        return min(*own, *(part.deadline for part in self._parts()))

    def _tick(self) -> None:
        now = self.world.clock()
        for part in self._parts():
            if now >= part.deadline:
                part.tick()
        self._retired = [post for post in self._retired if post.slot.worker is not None]
        if not self._stopping:
            self._tick_own(now)

    def _tick_own(self, now: float) -> None:
        if now >= self._probe_at:
            self._probe_at = _NEVER
            for post in self.posts:
                post.feed(ev.DeviceAppeared())
        if all(post.state.phase not in _BUSY_PHASES for post in self.posts):
            self.standby.ensure(self.settings.daemon, backend_of(self.settings.cameras))

    # --- what arrives -------------------------------------------------------------------------------------

    def _on_signal(self) -> None:
        for number in self.world.signals.arrived():
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stop(number)
            elif number == signal.SIGHUP:
                self.reload()

    def _on_device(self) -> None:
        if names := self.world.devices.created():
            self._probe_at = self.world.clock() + self.world.devices.quiet()
            self.world.log.info("device.appeared", message=f"new device nodes: {', '.join(names)}")

    def _still_blocked(self, evidence: str) -> None:
        for post in self.posts:
            post.feed(ev.WorkerUnkillable("leftover-worker", evidence))

    def reload(self, done: Callable[[str], None] | None = None) -> None:
        """Read the configuration again; `done` hears why it was refused, or nothing."""
        if self._stopping:
            if done is not None:
                done("camwatchd is stopping")
            return
        self._reload_waiters += [done] if done else []
        self.world.notifier.reloading(self.world.clock())
        self.reloading.begin()

    def _adapt(self, settings: Settings | None) -> None:
        """A reload ended; None: it was refused, the last good settings stay."""
        if settings is not None and not self._stopping:
            self._take(settings)
        self._herald.ready()
        if not self.reloading.again:
            waiters, self._reload_waiters = self._reload_waiters, []
            for done in waiters:
                done("" if settings is not None else self.reloading.refusal)

    def _take(self, settings: Settings) -> None:
        self._take_daemon(settings.daemon)
        kept, self.settings = self.settings.ledger, settings
        if settings.ledger != kept:
            self._say_what_to_keep()
        self._herald.summarise_every(settings.daemon.summary_interval)
        wanted = {camera.name: camera for camera in settings.cameras}
        for post in [post for post in self.posts if post.camera.name not in wanted]:
            self.posts.remove(post)
            post.retire()
            self._retired.append(post)
        # Whoever begins must know what every other worker still holds: cameras may have changed their tables.
        moved = [p for p in self.posts if p.adapt(wanted.pop(p.camera.name), self._policy, settings.health)]
        new = [self._post(camera) for camera in wanted.values()]
        self.posts += new
        for post in new:
            self.kernel.introduce(post)
            post.outlook.begin()
        for post in (*moved, *new):
            if post not in moved or post.state.phase is not Phase.PAUSED:  # a pause outlives a reload
                post.begin()

    def _say_what_to_keep(self) -> None:
        self.book.note(rec.Keep(self.settings.ledger.keep_incidents, self.settings.ledger.keep_days))

    def _take_daemon(self, daemon: Daemon) -> None:
        self.world.log_level_is(daemon.log_level)
        if daemon.log_format != self.settings.daemon.log_format:
            text = "daemon.log_format has changed: that needs a restart (systemctl restart camwatchd)"
            self.world.log.warning("configuration.needs_restart", message=text)

    # --- workers ------------------------------------------------------------------------------------------

    def hire(self, camera: CameraSettings, *, fresh: bool, background: bool) -> Worker | None:
        """A worker for a camera: the standby if it may be one, else a process just executed.

        None while a worker from before a reload may hold the same camera. One that cannot be killed blocks such
        cameras until the kernel lets it go, as it does the camera itself, and no others.
        """
        if not self._may_open(camera):
            return None
        if not fresh and (worker := self.standby.take(camera.backend)) is not None:
            return worker
        child = spawn_worker(camera.backend, self.world.environ, background=background)
        return Worker(child, StderrReader(child.stderr))

    def vacated(self) -> None:
        """A worker was reaped: whoever waited for its camera may hire now."""
        for post in self.posts:
            if post.state.phase is Phase.WEDGED and post.slot.worker is None and self._may_open(post.camera):
                post.feed(ev.WorkerReaped())
            post.fill()

    def stuck(self, camera: CameraSettings, evidence: str) -> None:
        """A worker from before a reload cannot be killed: whoever waits for it is wedged as well."""
        text = f"by a worker of the former camera {camera.name}: {evidence}"
        for post in self.posts:
            if post.waits and post.state.phase is not Phase.WEDGED and camera.may_be(post.camera):
                post.feed(ev.WorkerUnkillable("worker-unkillable", text))

    def _may_open(self, camera: CameraSettings) -> bool:
        held = (post.outgoing for post in (*self.posts, *self._retired))
        blocked = any(other is not None and other.may_be(camera) for other in held)
        return not (blocked or self.leftovers.present or self._stopping)

    def _post(self, camera: CameraSettings) -> Post:
        world = self.world
        return Post(
            camera, self._policy(camera), self.settings.health, agency=self, loop=self.loop, log=world.log,
            host=world.host, clock=world.clock, runtime_dir=world.runtime_dir, environ=world.environ,
        )  # fmt: skip

    def _policy(self, camera: CameraSettings) -> Policy:
        settings = self.settings
        return Policy(supervision=settings.supervision, ladder=settings.ladder, required=camera.required)

    def adjusted(self, post: Post) -> None:
        """Have the controls kept."""
        controls = rundir.Controls(table=post.camera.controls, kept=post.adjusting.kept)
        self.departure.adjusted(post.camera.name, controls)

    def note(self, record: rec.Record) -> None:
        """Have it written into the ledger."""
        self.book.note(record)

    def _hear_signs(self, reply: rec.SignsKept | rec.SignsRecalled) -> None:
        for post in self.posts:
            if post.camera.name == reply.camera:
                post.outlook.hear(reply)

    # --- what the control socket asks ---------------------------------------------------------------------

    @property
    def pings(self) -> int:
        """How often the watchdog was paid."""
        return self._herald.pings

    def note_for_humans(self) -> str:
        """What the status line tells beside the cameras."""
        return "; ".join(text for text in (self.reloading.note, self.book.remark) if text)

    # --- leaving on purpose -------------------------------------------------------------------------------

    def leave(self, post: Post, rung: Rung) -> None:
        """May this camera restart the service, or reboot the machine?"""
        if self._stopping:
            return  # a worker that cannot be killed on the way out: the next start finds it
        self.departure.ask(post, rung, self.settings.reboot)

    def _leave(self, words: str) -> None:
        """It may, and that is written down."""
        self._exit_status = ExitStatus.EX_TEMPFAIL
        self.world.notifier.status(words)
        self._go_down(clean=False)

    # --- the end ------------------------------------------------------------------------------------------

    @property
    def _stopping(self) -> bool:
        return self._down_by is not _NEVER

    def _stop(self, number: signal.Signals) -> None:
        if not self._stopping:
            self.world.log.info("daemon.stopping", message=f"{number.name}: ending the workers")
            self.departure.ended()
            self._go_down(clean=True)

    def _go_down(self, *, clean: bool) -> None:
        self._down_by = self.world.clock() + DOWN_WITHIN
        self.world.notifier.stopping()
        for post in self.posts:
            post.outlook.keep()
        self.book.end(clean=clean)
        self.standby.end()
        self.reloading.end()
        self.kernel.end()
        for post in (*self.posts, *self._retired):
            post.end()

    def _is_down(self) -> bool:
        if not self._stopping:
            return False
        alive = [f"worker of {post.camera.name}" for post in self.posts if post.slot.worker is not None]
        alive += ["worker of a former camera" for _ in self._retired]
        alive += ["standby worker"] if self.standby.pid is not None else []
        alive += ["reader of the configuration"] if self.reloading.busy else []
        alive += ["reader of the kernel's log"] if self.kernel.pid is not None else []
        alive += ["recorder"] if self.book.pid is not None else []
        if alive and self.world.clock() >= self._down_by:
            self.world.log.error("daemon.left_behind", message=f"{', '.join(alive)}: did not end in time")
            return True
        return not alive
