# SPDX-License-Identifier: MIT
"""Which of a worker's last lines tell what happened, on what Python itself writes."""

import re
import subprocess
import sys

import pytest

from camwatchd.core.evidence import headline, telling

# A camera thread that rests deep in a library, and a main thread that hangs in a call, twenty calls deep.
_HANGS = """
import faulthandler, os, signal, sys, threading
faulthandler.enable()

def rest(depth, ready):
    if depth:
        rest(depth - 1, ready)
    else:
        ready.set()
        threading.Event().wait()

def stop_streaming():
    {end}

def loop(depth):
    stop_streaming() if depth == 0 else loop(depth - 1)

for number in range(15):
    print("libcamera says", number, file=sys.stderr)
ready = threading.Event()
threading.Thread(target=rest, args=(20, ready), daemon=True).start()
ready.wait()
loop(20)
"""


def words(end: str) -> list[str]:
    """What a real interpreter writes when it ends like this."""
    done = subprocess.run([sys.executable, "-c", _HANGS.format(end=end)], capture_output=True, text=True)
    return [line for line in done.stderr.splitlines() if line]


@pytest.mark.parametrize(
    ("end", "beginning"),
    [
        ("os.kill(os.getpid(), signal.SIGABRT)", "Fatal Python error: Aborted"),
        ("faulthandler._sigsegv()", "Fatal Python error: Segmentation fault"),
        (
            "faulthandler.dump_traceback_later(0.1); threading.Event().wait(0.5); os._exit(1)",
            "Timeout (0:00:00",
        ),
    ],
)
def test_a_stack_dump_shows_where_it_hangs(end: str, beginning: str) -> None:
    """Of every thread the most recent calls are shown, from the first line of the dump on, and not much else."""
    written = words(end)
    shown = telling(written)

    assert shown[0].startswith(beginning)
    assert any("in stop_streaming" in line for line in shown)
    assert any("in wait" in line for line in shown)
    assert len(shown) < len(written) - 15
    assert len(shown) <= 40


def test_a_traceback_ends_with_the_exception() -> None:
    """Without a dump the last lines count: the innermost call and the exception."""
    shown = telling(words("raise OSError('no such camera')"))

    assert "OSError: no such camera" == shown[-1]
    assert any("in stop_streaming" in line for line in shown)
    assert len(shown) == 12


def test_what_came_after_a_long_call_counts() -> None:
    """A dump of a call that returned after all is no news; the exception later on, or a fatal signal, is."""
    slow = words("faulthandler.dump_traceback_later(0.1); threading.Event().wait(0.5); os._exit(1)")
    raised, aborted = words("raise OSError('later')"), words("os.kill(os.getpid(), signal.SIGABRT)")

    assert telling(raised) == telling([*slow, *raised])
    assert telling(aborted) == telling([*slow, *raised, *aborted])


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("raise OSError('no such camera')", r"OSError: no such camera"),
        (
            "faulthandler._sigsegv()",
            r'Fatal Python error: Segmentation fault File ".*", line \d+ in stop_streaming',
        ),
        (
            "faulthandler.dump_traceback_later(0.1); signal.alarm(1); signal.pause()",
            r'Timeout \(0:00:00\.1\d*\)! File ".*", line \d+ in stop_streaming',
        ),
    ],
)
def test_one_line_tells_the_end_in_a_sentence(end: str, expected: str) -> None:
    """The exception, or why the stack was dumped and the call in which it was."""
    assert re.fullmatch(expected, headline(telling(words(end))))


def test_who_wrote_nothing_has_no_headline() -> None:
    """And a dump without a call has its first line."""
    assert headline(()) == ""
    assert headline(("Fatal Python error: Aborted",)) == "Fatal Python error: Aborted"


def test_a_hundred_threads_are_too_many() -> None:
    """What is shown is bounded, whatever a dump holds; a worker that wrote nothing has no last words."""
    dump = [
        line for n in range(100) for line in (f"Thread 0x{n:016x} (most recent call first):", "  File x")
    ]

    assert () == telling([])
    assert tuple(dump[:40]) == telling(["before", *dump])
