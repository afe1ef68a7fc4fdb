# SPDX-License-Identifier: MIT
"""Owns the ear at the kernel's log: keeps its reader alive and hands what is about cameras to whom it may concern."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from camwatchd.adapters import kernel_log
from camwatchd.adapters.stderr import StderrReader
from camwatchd.core.kernel import KernelLine, Memory, of_kernel
from camwatchd.hearsay import Hearsay
from camwatchd.loop import Loop
from camwatchd.ports import EventLog

_KEPT = 40  # lines about cameras, for cameras that come with a new configuration
_AGAIN = (5.0, 60.0, 600.0)  # seconds until a reader that ended is replaced
_LASTED = 600.0  # seconds after which its end is not held against the next one
_NEVER = float("inf")


class Ear(Protocol):
    """One camera, to which a line may be told."""

    hearsay: Hearsay


class KernelWatch:
    """Hears for `posts`, a list that others change. Without a journal it is deaf, which harms nobody."""

    def __init__(
        self, loop: Loop, log: EventLog, clock: Callable[[], float], environ: Mapping[str, str],
        posts: Sequence[Ear],
    ) -> None:  # fmt: skip
        self._loop, self._log, self._clock, self._environ, self._posts = loop, log, clock, environ, posts
        self._child: tuple[int, int, int] | None = None  # pid, pidfd, output
        self._reader: StderrReader | None = None
        self._memory = Memory(_KEPT)
        self._told_until = -_NEVER  # of the kernel's lines
        self._own_words = ""  # of the reader, for the sentence about its end
        self._started_at = _NEVER
        self._start_at = _NEVER
        self._deaths = 0
        self._ending = False
        self._begun_at = clock()
        self._known_until = -_NEVER  # what the readers before this one have told

    @property
    def pid(self) -> int | None:
        """The reader's process."""
        return None if self._child is None else self._child[0]

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called."""
        return min(self._start_at, self._reader.deadline if self._reader else _NEVER)

    def tick(self) -> None:
        """Do what is due."""
        if self._clock() >= self._start_at:
            self.begin()
        elif self._reader is not None:
            self._hear(self._reader.tick())

    def begin(self) -> None:
        """Start the reader."""
        self._start_at, self._started_at, self._own_words = _NEVER, self._clock(), ""
        self._known_until = self._told_until
        try:
            self._child = kernel_log.follow(self._environ)
        except FileNotFoundError as error:
            self._log.debug("kernel.deaf", message=f"the kernel's log is not read: {error}")
            return
        except OSError as error:  # no memory, no process, no descriptor
            self._own_words = str(error)
            self._mourn()
            return
        _, pidfd, output = self._child
        self._reader = StderrReader(output, self._clock, first=kernel_log.AT_ONCE)
        self._loop.watch(output, self._read)
        self._loop.watch(pidfd, self._bury)

    def end(self) -> None:
        """Nobody listens any more."""
        self._start_at, self._ending = _NEVER, True
        if self._child is not None:
            signal.pidfd_send_signal(self._child[1], signal.SIGKILL)

    def introduce(self, post: Ear) -> None:
        """A camera that came with a new configuration: what the others have heard before."""
        for line in self._memory.lines():
            post.hearsay.kernel_said(line)

    def _read(self) -> None:
        assert self._child is not None
        assert self._reader is not None
        self._hear(self._reader.read_ready())
        if self._reader.closed:
            self._loop.forget(self._child[2])

    def _hear(self, lines: list[str]) -> None:
        for text in lines:
            parsed = kernel_log.parse(text)
            if parsed is None and kernel_log.is_own(text):
                self._own_words = text
            elif parsed is not None and (meaning := of_kernel(parsed[1])) is not None:
                self._take(KernelLine(*parsed, meaning))

    def _take(self, line: KernelLine) -> None:
        if line.at <= self._known_until:
            return  # a reader begins with the lines of old
        self._told_until = line.at
        self._memory.add(line)
        say = self._log.info if line.at >= self._begun_at else self._log.debug
        say(
            "kernel.line",
            message=f"kernel: {line.text}",
            bus=line.meaning.bus,
            suspicion=line.meaning.fault or None,
        )
        for post in self._posts:
            post.hearsay.kernel_said(line)

    def _bury(self) -> None:
        assert self._child is not None
        pid, pidfd, output = self._child
        self._read()
        for fd in (pidfd, output):
            self._loop.forget(fd)
            os.close(fd)
        os.waitpid(pid, 0)
        self._child = self._reader = None
        if not self._ending:
            self._mourn()

    def _mourn(self) -> None:
        """Say once that it ended, and try again, ever more rarely."""
        now = self._clock()
        if now - self._started_at >= _LASTED:
            self._deaths = 0
        pause = _AGAIN[min(self._deaths, len(_AGAIN) - 1)]
        self._deaths, self._start_at = self._deaths + 1, now + pause
        if self._deaths == 1:
            text = f"the reader of the kernel's log ended ({self._own_words or 'without a word'}); it is tried again"
            self._log.info(
                "kernel.deaf", message=f"{text} in {pause:g} s; cameras are supervised all the same"
            )
