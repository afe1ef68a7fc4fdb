# SPDX-License-Identifier: MIT
"""Owns `camwatchctl health`: daemon, cameras and machine in one, for monitoring systems."""

import argparse
import json
import sys
from pathlib import Path

from camwatchd.adapters.vitals import Vitals
from camwatchd.cli import arming, asking, colour, exposition, health_text, nagios
from camwatchd.cli.absence import Absence
from camwatchd.cli.arming import Arming
from camwatchd.cli.health_facts import Health, document, level
from camwatchd.cli.verb import Verb
from camwatchd.control.client import ControlError
from camwatchd.control.facts import StatusFacts
from camwatchd.control.protocol import Status
from camwatchd.errors import ExitStatus

# Monitoring systems give a plugin 10 s. With systemd's and vcgencmd's, if both hang, it stays well below.
PATIENCE = 3.0  # seconds for the daemon
STATE_DIR = "/var/lib/camwatchd/state"  # StateDirectory= of the unit


def gathered(options: argparse.Namespace) -> Health:
    """Ask the daemon, and look at the machine."""
    vitals = Vitals()
    found: StatusFacts | Absence
    armed: Arming | None = None
    try:
        found = asking.ask(options, Status(), StatusFacts, PATIENCE)
        armed = arming.of_status(found) if asking.of_the_unit(options) else None
    except ControlError as error:
        found = asking.absence_of(options, error)
    return Health(
        found=found,
        host=vitals.host(),
        power=vitals.power(),
        disk=vitals.disk(options.state_dir),
        arming=armed,
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="for programs")
    forms.add_argument("--nagios", action="store_true", help="one line with performance data")
    forms.add_argument("--prometheus", action="store_true", help="metrics in Prometheus' text format")
    forms.add_argument(
        "--textfile", metavar="FILE", type=_prom, help="write these into FILE, for node exporter's collector"
    )
    parser.add_argument(
        "--state-dir", metavar="DIR", default=STATE_DIR, help="where the ledger is; default: %(default)s"
    )
    asking.socket(parser)


def _prom(text: str) -> Path:
    if not text.endswith(".prom"):
        raise argparse.ArgumentTypeError(f"{text!r}: node exporter reads only files that end in .prom")
    return Path(text)


def _run(options: argparse.Namespace) -> int:
    health = gathered(options)
    if options.textfile:
        return _filed(options.textfile, exposition.exposition(health))
    sys.stdout.write(_written(options, health))
    return ExitStatus.EX_OK if options.prometheus else level(health)


def _written(options: argparse.Namespace, health: Health) -> str:
    if options.prometheus:
        return exposition.exposition(health)
    if options.json:
        return f"{json.dumps(document(health), indent=2)}\n"
    return f"{nagios.line(health) if options.nagios else colour.painted(health_text.text(health))}\n"


def _filed(file: Path, text: str) -> int:
    try:
        exposition.write(file, text)
    except OSError as error:
        asking.complain(
            f"{file} cannot be written: {error.strerror}\n  hint: its folder must be there, and ours"
        )
        return ExitStatus.EX_UNAVAILABLE
    return ExitStatus.EX_OK


VERB = Verb("health", "daemon, cameras and machine in one, for monitoring systems", _arguments, _run)
