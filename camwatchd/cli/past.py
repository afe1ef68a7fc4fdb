# SPDX-License-Identifier: MIT
"""Owns how a verb reads the ledger: where, of which boot and camera, and what the exit status says where it cannot.

SQLite and all that comes with it is imported only when it is wanted: it would cost every other verb a third more time.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from camwatchd import STATE_DIR
from camwatchd.cli import asking
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.adapters.ledger_reading import Copy, LedgerError

OVER, OPEN = ExitStatus.EX_OK, 1  # the exit status: is an incident open?


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of every verb that reads the ledger."""
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--state-dir", metavar="DIR", type=Path, default=Path(STATE_DIR),
        help="where the ledger is; default: %(default)s",
    )  # fmt: skip


@contextmanager
def opened(options: argparse.Namespace) -> "Iterator[Copy]":
    """A copy of the ledger. LedgerError: there can be none, or it is damaged where it is read."""
    from camwatchd.adapters import ledger_reading

    with ledger_reading.opened(options.state_dir) as copy:
        yield copy


def this_boot() -> str:
    """As the ledger calls it."""
    from camwatchd.adapters import rundir

    return rundir.boot_id()


def unknown(copy: "Copy", camera: str) -> str:
    """Why there is nothing to tell of a camera of this name; empty: there may be, or none was named."""
    from camwatchd.adapters import ledger_story

    known = ledger_story.cameras(copy.db)
    if camera in ("", *known):
        return ""
    return f"the ledger knows no camera {camera}\n  hint: it knows {', '.join(known) or 'none'}"


def refused(why: str) -> int:
    """Say why what was asked for is not there; the exit status."""
    asking.complain(why)
    return ExitStatus.EX_USAGE


def failed(error: "LedgerError") -> int:
    """Say why the past is not known; the exit status."""
    asking.complain(str(error))
    return error.status
