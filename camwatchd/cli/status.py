# SPDX-License-Identifier: MIT
"""Owns `camwatchctl status`: how every camera is, in words or in JSON, and in one exit status."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from camwatchd import STATE_DIR
from camwatchd import __main__ as daemon
from camwatchd.cli import absence, arming, asking, colour, looking, watch
from camwatchd.cli.absence import Absence
from camwatchd.cli.arming import Arming
from camwatchd.cli.documents import status_document
from camwatchd.cli.duration import at_most
from camwatchd.cli.sparing import Sparing
from camwatchd.cli.status_detail import detailed
from camwatchd.cli.status_text import text
from camwatchd.cli.verb import Verb
from camwatchd.cli.wait import meant
from camwatchd.control.client import DEFAULT_SOCKET, ControlError
from camwatchd.control.facts import Condition, StatusFacts, condition, gating
from camwatchd.errors import ExitStatus

# The worst required camera decides; where none is required, the worst of all.
STATUS = {Condition.HEALTHY: 0, Condition.PAUSED: 1, Condition.TROUBLE: 1, Condition.CRITICAL: 3}

_EPILOG = """\
--watch goes on until Ctrl-C and then ends with the status of the last look."""


def exit_status(facts: StatusFacts) -> int:
    """The one number; nothing is wrong where there is no camera."""
    return max((STATUS[condition(camera)] for camera in gating(facts.cameras)), default=ExitStatus.EX_OK)


class Beside:
    """What others than the daemon know: systemd and the ledger, who are not asked for each repaint."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._absence: Sparing[Absence] = Sparing()
        self._arming: Sparing[Arming | None] = Sparing()

    def found(self, look: looking.Look) -> tuple[StatusFacts | Absence, Arming | None]:
        """What there is to tell after a look, and what systemd would do at the start limit."""
        if not isinstance(look, StatusFacts):
            away = self._absence.ask(str(look), lambda: self._away(look))
            return away, arming.of_absence(away)
        if not asking.of_the_unit(self._options):
            return look, None
        daemon = look.daemon
        return look, self._arming.ask((daemon.pid, daemon.reboot_mode), lambda: arming.of_status(look))

    def _away(self, look: ControlError) -> Absence:
        return asking.absence_of(self._options, look, _records(self._options))


def written(options: argparse.Namespace, look: looking.Look, beside: Beside) -> str:
    """A look as it was asked for; of a daemon that does not answer, too."""
    found, armed = beside.found(look)
    if options.json:
        return json.dumps(status_document(found, armed), indent=None if options.watch else 2)
    if isinstance(found, StatusFacts):
        return colour.painted(detailed(found, armed) if options.detailed else text(found, armed))
    return absence.text(found, *arming.sentence(armed))


def _records(options: argparse.Namespace) -> absence.Records | None:
    """Where to look while nobody answers. The usual places are of the usual daemon, not of one at another socket."""
    if options.state_dir is None and options.socket != DEFAULT_SOCKET:
        return None
    given = daemon.arguments().parse_args([])
    state_dir = Path(options.state_dir or STATE_DIR)
    return absence.Records(
        state_dir,
        Path(options.config or given.config),
        Path(options.conf_dir or given.conf_dir),
        tuple(options.camera),
    )


def narrowed(options: argparse.Namespace, look: looking.Look) -> looking.Look:
    """Only the cameras that are named, which then speak for all; ControlError for a name that none has."""
    if isinstance(look, StatusFacts) and options.camera:
        return replace(look, cameras=tuple(meant(look, options.camera)))
    return look


def outcome(look: looking.Look) -> int:
    """The exit status after this look."""
    return exit_status(look) if isinstance(look, StatusFacts) else asking.status_of(look)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--detailed", action="store_true", help="everything that is known; JSON always has it"
    )
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--interval", metavar="S", type=at_most(86400.0), default=2.0,
        help="between two looks with --watch: 500, 5s, 1m; default: 2 seconds",
    )  # fmt: skip
    for name, of in (("--state-dir", "the ledger"), ("--config", "the limits"), ("--conf-dir", "drop-ins")):
        metavar = "FILE" if name == "--config" else "DIR"
        parser.add_argument(
            name, metavar=metavar, help=f"while the daemon does not answer: where {of} are read"
        )
    asking.cameras(parser)
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def _run(options: argparse.Namespace) -> int:
    beside = Beside(options)
    if options.watch:
        return watch.run(
            options,
            lambda look: written(options, narrowed(options, look), beside),
            lambda look: outcome(narrowed(options, look)),
        )
    look = narrowed(options, looking.once(options))
    if (
        isinstance(look, StatusFacts) or options.json
    ):  # who parses is told of the absence where the rest would be
        sys.stdout.write(f"{written(options, look, beside)}\n")
    else:
        asking.complain(written(options, look, beside))
    return outcome(look)


VERB = Verb("status", "show each camera: its health, what is being tried, what comes next", _arguments, _run)
