# SPDX-License-Identifier: MIT
"""How all checks are made at once: who hangs, dies or raises costs its own answer and nothing else."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from camwatchd.doctor.finding import Finding, Result, exit_status, failure, ok, unknown, warning
from camwatchd.doctor.place import Place
from camwatchd.doctor.table import GROUPS, Group, examine
from camwatchd.doctor.together import Task, ask


def _raises() -> None:
    raise ZeroDivisionError("by nothing")


def _dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_each_task_answers_for_itself(tmp_path: Path) -> None:
    """What tasks give comes back by name; of one that raises, dies or hangs it is said, and nothing of it is left."""
    os.mkfifo(fifo := tmp_path / "fifo")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    hangs = partial(
        subprocess.run, ["sh", "-c", f"exec 3<>{fifo}; echo begun >&3; exec sleep 60"], check=True
    )
    tasks: dict[str, Task] = {"good": lambda: [1, "two"], "hangs": hangs, "raises": _raises, "dies": _dies}
    waited: list[list[str]] = []
    began = time.monotonic()

    answers = ask(tasks, 1.5, waited.append)

    assert time.monotonic() - began < 10
    assert answers.given == {"good": [1, "two"]}
    assert answers.missing == {
        "hangs": "no answer within 1.5 s: a driver or the disk may hang",
        "raises": "the check failed: ZeroDivisionError: by nothing",
        "dies": "the check itself was ended",
    }
    assert waited == [["hangs"]]
    assert os.read(reader, 100) == b"begun\n"
    poll = select.poll()
    poll.register(reader, 0)
    assert poll.poll(10_000) == [(reader, select.POLLHUP)]  # what it had started is gone, too
    os.close(reader)


def test_long_answers_come_whole() -> None:
    """More than a pipe holds is read while it is written."""
    assert ask({"long": lambda: "x" * 500_000}, 10.0).given == {"long": "x" * 500_000}


def test_without_processes_it_says_so() -> None:
    """A machine on which nothing can be forked any more is one that needs a doctor."""
    code = (
        "import resource; from camwatchd.doctor.together import ask\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))\n"
        "print(ask({str(n): dict for n in range(9)}, 10.0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "no process could be made for it: Too many open files" in done.stdout


def test_a_group_without_an_answer_is_a_warning_of_each_check() -> None:
    """A check that could not be made is listed by its name, in its place."""

    def good(_: Place) -> Iterator[Finding]:
        yield ok("fine", "all is well")

    def bad(_: Place) -> Iterator[Finding]:
        raise OSError("no such thing")

    found = examine(Place(), groups=(Group("bad", ("one", "two"), bad), Group("good", ("fine",), good)))

    assert [(finding.name, finding.result) for finding in found] == [
        ("one", Result.WARNING), ("two", Result.WARNING), ("fine", Result.OK),
    ]  # fmt: skip
    assert found[0].reason == "the check failed: OSError: no such thing"


def test_the_exit_status_is_the_worst() -> None:
    """What cannot be told is no reason for alarm."""
    good, odd, bad = ok("a", "b"), warning("a", "b", "c"), failure("a", "b", "c")

    assert [exit_status(found) for found in ([], [good, unknown("a", "b")], [odd, good], [bad, odd])] == [
        0,
        0,
        1,
        2,
    ]


def test_names_are_unique() -> None:
    """Each check has one name, and each name one group."""
    names = [name for group in GROUPS for name in group.checks]

    assert len(names) == len(set(names)) > 25
