# SPDX-License-Identifier: MIT
"""Owns where the lines of a log come from: the journal, through journalctl, or a file; one at a time, never all."""

import math
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO

from camwatchd.cli.unit import UNIT
from camwatchd.errors import CamwatchError, ExitStatus

STDIN = "-"
_LONGEST = 2**20  # bytes of a line; what is longer is none of a log
_PATIENCE = 20.0  # seconds: journalctl may have many files to open on a slow card
_FOREIGN = ("not seeing messages", "insufficient permissions")  # what it says to whom it shows less
_FIELDS = (
    "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT", "CAMERA", "FAULT", "RUNG", "ATTEMPT", "SECONDS", "FAILURES",
    "SUPPRESSED", "LATENCIES", "DRILL", "UNIT", "_SYSTEMD_UNIT", "_BOOT_ID",
)  # fmt: skip


class UnreadableError(CamwatchError):
    """There is no log to read, or not for this user."""

    def __init__(self, message: str, hint: str, status: ExitStatus = ExitStatus.EX_UNAVAILABLE) -> None:
        super().__init__(message, hint)
        self.status = status


def journal(matches: Sequence[str], since: float, *, follow: bool = False) -> Generator[bytes, None, None]:
    """What the journal holds of the daemon's unit, then, with `follow`, what it gets. `matches`: FIELD=value."""
    _may_be_read()
    span = ["--lines=10"] if math.isinf(since) else [f"--since=@{since:.0f}", "--lines=all"]
    command = [
        "journalctl", f"--unit={UNIT}", "--output=json", f"--output-fields={','.join(_FIELDS)}", "--no-pager",
        "--quiet", *span, *(["--follow"] if follow else []), *matches,
    ]  # fmt: skip
    yield from _said(command)


def _said(command: Sequence[str]) -> Generator[bytes, None, None]:
    """The lines of its output; whoever stops reading ends it."""
    # What it complains of is for whoever sees this; it can fill no pipe.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603  # no shell
    assert process.stdout is not None
    try:
        with process.stdout as output:
            yield from _lines(output)
        status = process.wait()
    finally:
        process.terminate()
        process.wait()
    if status > 0:
        raise UnreadableError(
            f"journalctl ended with status {status}: there may be more than it could show",
            "look for damage: journalctl --verify; the ledger has the incidents: camwatchctl history",
        )


def _may_be_read() -> None:
    """journalctl shows others than root and a few groups an empty journal, and with --output=json without a word."""
    try:
        done = subprocess.run(
            ["journalctl", "--lines=0", "--no-pager"],  # noqa: S607  # wherever it is
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise UnreadableError("there is no journalctl here", "give a log to read: --file FILE") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise UnreadableError(
            f"journalctl does not answer: {error}", "give a log to read: --file FILE"
        ) from None
    if any(words in done.stderr for words in _FOREIGN):
        raise UnreadableError(
            "the journal may not be read by this user",
            "as root: sudo camwatchctl logs; or for good, from the next login on: "
            "sudo usermod -aG systemd-journal $USER (or adm)",
            ExitStatus.EX_NOPERM,
        )


def file(name: str) -> Generator[bytes, None, None]:
    """The lines of a file; `-` is standard input."""
    if name == STDIN:
        yield from _lines(sys.stdin.buffer)
        return
    try:
        with Path(name).open("rb") as stream:
            yield from _lines(stream)
    except OSError as error:
        status = ExitStatus.EX_NOPERM if isinstance(error, PermissionError) else ExitStatus.EX_USAGE
        raise UnreadableError(
            f"{name}: {error.strerror}", "expected JSON lines of camwatchd or of journalctl -o json", status
        ) from None


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Each line as far as it may be long; the rest of a longer one is read over."""
    while line := stream.readline(_LONGEST):
        whole = line.endswith(b"\n")
        while not whole and len(line) == _LONGEST and (rest := stream.readline(_LONGEST)):
            whole = rest.endswith(b"\n")
        if line.strip():
            yield line
