# SPDX-License-Identifier: MIT
"""Owns `camwatchctl version`: what is installed, and whether the daemon that runs is the same."""

import argparse
import json
import sys
from typing import Any

from camwatchd import __version__
from camwatchd.cli import asking
from camwatchd.cli.verb import Verb
from camwatchd.control.protocol import Pong
from camwatchd.errors import ExitStatus

_DIFFERS = 1
_RESTART = "sudo systemctl restart camwatchd"


def _arguments(parser: argparse.ArgumentParser) -> None:
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    from camwatchd.doctor.versions import ask_daemon

    facts = document(*ask_daemon(options.socket))
    sys.stdout.write(f"{json.dumps(facts, indent=2) if options.json else text(facts)}\n")
    return _DIFFERS if facts["needs_restart"] else ExitStatus.EX_OK


def document(daemon: Pong | None, trouble: str = "") -> dict[str, Any]:
    """What `--json` prints; `daemon` is null where none runs."""
    return {
        "version": __version__,
        "daemon": {"version": daemon.release, "pid": daemon.pid} if daemon else None,
        "needs_restart": daemon is not None and daemon.release != __version__,
        "trouble": trouble,
    }


def text(facts: dict[str, Any]) -> str:
    """For humans; the daemon only where it is not what one expects."""
    lines = [f"camwatchd {facts['version']}"]
    if facts["needs_restart"]:
        daemon = facts["daemon"]
        lines.append(f"the daemon that runs is {daemon['version']} (pid {daemon['pid']}): {_RESTART}")
    if facts["trouble"]:
        lines.append(f"whether the daemon is the same cannot be told: {facts['trouble']}")
    return "\n".join(lines)


VERB = Verb(
    "version", "say which version this is, and whether the daemon that runs is the same", _arguments, _run
)
