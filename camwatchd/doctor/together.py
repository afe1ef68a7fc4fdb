# SPDX-License-Identifier: MIT
"""Owns how all groups of checks are made at once: each in a process of its own, none waited for beyond the deadline.

A driver or a card that does not answer holds whoever asks it in the kernel, where no time-out helps. So what asks is
a fork that can be left behind, with all that it has started; whoever called us gets the rest in time.
"""

import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Task = Callable[[], Any]  # gives what JSON can hold
Waiting = Callable[[list[str]], None]  # is told, each second, whom we wait for

_TICK = 1.0


@dataclass(slots=True)
class _Asked:
    pid: int
    output: int
    said: bytes = b""


@dataclass(frozen=True, slots=True)
class Answers:
    """Of each task that answered what it gave; of the others why there is nothing."""

    given: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def ask(tasks: Mapping[str, Task], seconds: float, waiting: Waiting = lambda _: None) -> Answers:
    """Run them all; returns when each has answered, or when the time is up."""
    asked: dict[str, _Asked] = {}
    answers = Answers()
    try:
        for name, task in tasks.items():
            try:
                asked[name] = _forked(task)
            except OSError as error:  # no memory, no process: some may still answer
                answers.missing[name] = f"no process could be made for it: {error.strerror}"
        late = _listen(asked, time.monotonic() + seconds, waiting)
    finally:
        for one in asked.values():
            _leave(one)
    for name, one in asked.items():
        if name in late:
            answers.missing[name] = f"no answer within {seconds:g} s: a driver or the disk may hang"
        else:
            _take(answers, name, one.said)
    return answers


def _take(answers: Answers, name: str, said: bytes) -> None:
    try:
        word, content = json.loads(said)
    except ValueError:
        answers.missing[name] = "the check itself was ended"
        return
    (answers.given if word == "given" else answers.missing)[name] = content


def _forked(task: Task) -> _Asked:
    sys.stdout.flush()  # or the fork would say it again
    ours, theirs = os.pipe()
    if (pid := os.fork()) == 0:
        _answer(task, theirs)
    os.close(theirs)
    return _Asked(pid, ours)


def _answer(task: Task, output: int) -> None:
    """In the fork: a group of its own, so that a command which hangs can be left together with it."""
    try:
        os.setpgid(0, 0)
        said = ["given", task()]
    except BaseException as error:  # a bug of one check must not cost the others
        said = ["missing", f"the check failed: {type(error).__name__}: {error}"]
    with suppress(OSError), open(output, "wb", closefd=False) as file:
        file.write(json.dumps(said).encode())
    os._exit(0)


def _listen(asked: Mapping[str, _Asked], deadline: float, waiting: Waiting) -> set[str]:
    """Who has not answered by the deadline."""
    with selectors.DefaultSelector() as selector:
        for name, one in asked.items():
            selector.register(one.output, selectors.EVENT_READ, name)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            ready = selector.select(min(left, _TICK))
            if not ready and time.monotonic() < deadline:
                waiting(sorted(key.data for key in selector.get_map().values()))
            for key, _ in ready:
                if chunk := os.read(key.fd, 65536):
                    asked[key.data].said += chunk
                else:
                    selector.unregister(key.fd)
        return {key.data for key in selector.get_map().values()}


def _leave(one: _Asked) -> None:
    """Whoever still runs is killed, not waited for: it may hang where no signal reaches it."""
    os.close(one.output)
    for kill in (os.killpg, os.kill):  # it may not have got as far as having a group
        with suppress(ProcessLookupError, PermissionError):
            kill(one.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(one.pid, os.WNOHANG)
