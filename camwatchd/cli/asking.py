# SPDX-License-Identifier: MIT
"""Owns how a verb asks the running daemon: where, for how long, and what the exit status says where it refuses."""

import argparse
import json
import os
import sys
from typing import TypeVar

from camwatchd.adapters.entry import readable
from camwatchd.cli import absence
from camwatchd.cli.absence import Absence, Records
from camwatchd.control.client import DEFAULT_SOCKET, PATIENCE, Client, ControlError
from camwatchd.control.protocol import Answer, Reason, Request
from camwatchd.core.plain import to_plain
from camwatchd.errors import ExitStatus

A = TypeVar("A", bound=Answer)

_STATUS = {
    Reason.PERMISSION: ExitStatus.EX_NOPERM,
    Reason.CAMERA: ExitStatus.EX_USAGE,
    Reason.CONTROLS: ExitStatus.EX_USAGE,
    Reason.DOWN: ExitStatus.EX_TEMPFAIL,
    Reason.MALFORMED: ExitStatus.EX_USAGE,
    Reason.CROWDED: ExitStatus.EX_TEMPFAIL,
    Reason.UNFIT: ExitStatus.EX_TEMPFAIL,
    Reason.INAPPLICABLE: ExitStatus.EX_TEMPFAIL,
    Reason.PAUSED: ExitStatus.EX_TEMPFAIL,
    Reason.RUNG: ExitStatus.EX_TEMPFAIL,
    Reason.RESUMED: ExitStatus.EX_TEMPFAIL,
}


def default_socket() -> str:
    """Where the daemon is, if the command line does not say."""
    return os.environ.get("CAMWATCHD_SOCKET") or DEFAULT_SOCKET


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of every verb that asks the daemon."""
    parser.add_argument("--json", action="store_true", help="for programs")
    socket(parser)


def socket(parser: argparse.ArgumentParser) -> None:
    """Where the daemon is, behind the verb, too."""
    # Its default is the command's own: a verb must not overwrite what stands before it.
    parser.add_argument(
        "--socket", metavar="PATH", default=argparse.SUPPRESS, help="the daemon's control socket"
    )


def cameras(parser: argparse.ArgumentParser) -> None:
    """The choice of cameras."""
    parser.add_argument(
        "--camera", metavar="NAME", action="append", default=[], help="only this one; may be repeated"
    )


def ask(options: argparse.Namespace, request: Request, kind: type[A], patience: float = PATIENCE) -> A:
    """The answer; ControlError for a refusal, or if there is none."""
    with Client(options.socket) as client:
        answer = client.ask(request, patience)
    if not isinstance(answer, kind):
        raise ControlError(Reason.INTERNAL, f"expected {kind.__name__}, got {answer!r:.80}")
    return answer


def show(options: argparse.Namespace, facts: Answer, text: str) -> None:
    """The facts as they were asked for: JSON for programs, the text for humans."""
    written = json.dumps(to_plain(facts), indent=2) if options.json else text
    sys.stdout.write(f"{written}\n")


def say(text: str) -> None:
    """A line of output, at once: whoever reads it may be waiting."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def announce(options: argparse.Namespace, text: str) -> None:
    """Say to a human what is being done, before it takes its time."""
    if not options.json:
        say(text)


def complain(text: str) -> None:
    """Say what went wrong, or needs a human."""
    sys.stdout.flush()  # what was announced comes first
    sys.stderr.write(f"camwatchctl: {readable(text)}\n")


def failed(options: argparse.Namespace, error: ControlError) -> int:
    """Say why there is no answer; the exit status."""
    complain(absence.text(absence_of(options, error)))
    return status_of(error)


def absence_of(options: argparse.Namespace, error: ControlError, records: Records | None = None) -> Absence:
    """What is known while nobody answers. Of a daemon at another socket than the unit's systemd knows nothing."""
    return absence.of(error, units=of_the_unit(options), records=records)


def of_the_unit(options: argparse.Namespace) -> bool:
    """Whether it is the daemon of systemd's unit that is asked."""
    return bool(options.socket == DEFAULT_SOCKET)


def status_of(error: ControlError) -> int:
    """The exit status for a refusal, or for nobody's being there."""
    return _STATUS.get(error.reason, ExitStatus.EX_UNAVAILABLE)
