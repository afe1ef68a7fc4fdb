# SPDX-License-Identifier: MIT
"""Owns the running daemon that is told anything, and what must not come of it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.watching import FRAME_RATE, Seen, Watched, watched

BOUND = 0.050  # seconds: the latest deadline
ENOUGH = 0.9  # of the frames: a busy machine costs some, and a few of them are late or dropped
GROWN = 1.0  # megabytes that the supervisor may have more at the end
_WARM = 10  # the first tenth of all that is said fills caches


@dataclass(frozen=True)
class Told:
    """What came of it."""

    messages: int
    answers: dict[str, int]
    seen: Seen

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        seen = self.seen
        rate = seen.captures / seen.seconds
        found = [
            (rate < ENOUGH * FRAME_RATE, f"{rate:.1f} frames a second, not {FRAME_RATE}"),
            (seen.failures > 0, f"{seen.failures} captures failed"),
            (seen.lateness >= BOUND, f"a deadline {1e3 * seen.lateness:.0f} ms late"),
            (seen.grown > GROWN, f"{seen.grown:+.1f} MB"),
            (sum(self.answers.values()) == 0, "no answer"),
        ]
        return [text for wrong, text in found if wrong]

    def rows(self) -> Sequence[tuple[str, ...]]:
        """For the table."""
        return [
            ("messages", "frames a second", "missed", "latest deadline", "RSS", "CPU"),
            (
                str(self.messages),
                f"{self.seen.captures / self.seen.seconds:.2f}",
                str(self.seen.missed),
                f"{1e3 * self.seen.lateness:.1f} ms",
                f"{self.seen.megabytes:.1f} MB, {self.seen.grown:+.2f}",
                f"{100 * self.seen.cpu:.0f} %",
            ),
        ]

    def heard(self) -> str:
        """What was answered."""
        return ", ".join(f"{count} {name}" for name, count in sorted(self.answers.items()))


def talk(daemon: Watched, messages: int, seed: int, corpus: Path) -> "subprocess.Popen[str]":
    """Somebody who talks."""
    command = [sys.executable, "-m", "tests.fuzz.talker"]
    command += [str(daemon.socket), str(messages), str(seed), str(corpus)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def tell(messages: int, seed: int, corpus: Path) -> Told:
    """All of it to one daemon, from start to SIGTERM."""
    started = []

    def begin() -> "subprocess.Popen[str]":
        started.append(talk(daemon, messages, seed, corpus))
        return started[-1]

    with watched() as daemon:
        first = talk(daemon, max(1, messages // _WARM), seed + 1, corpus)
        first.communicate()
        seen = daemon.during(begin)
        out = started[-1].communicate()[0]
        assert (0, 0) == (first.returncode, started[-1].returncode)
    return Told(messages, json.loads(out), seen)
