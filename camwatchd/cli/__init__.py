# SPDX-License-Identifier: MIT
"""Owns the command `camwatchctl`: the table of its verbs, and the way from an argument to one of them."""

import argparse
import signal
import sys
from typing import NoReturn

from camwatchd import __version__
from camwatchd.cli import (
    asking,
    check_config,
    controls,
    doctor,
    drill,
    exits,
    faults,
    health,
    history,
    incident,
    ladder,
    logs,
    monitor,
    original,
    pause,
    reader,
    recover,
    reload,
    resume,
    snapshot,
    status,
    stream,
    test,
    version,
    wait,
)
from camwatchd.cli.verb import Verb
from camwatchd.control.client import ControlError
from camwatchd.errors import ExitStatus

VERBS: tuple[Verb, ...] = (
    status.VERB, health.VERB, monitor.VERB, wait.VERB, pause.VERB, resume.VERB, recover.VERB, reload.VERB,
    snapshot.VERB, stream.VERB, controls.VERB,
    logs.VERB, history.VERB, incident.VERB,
    test.VERB, ladder.VERB, drill.VERB, faults.VERB, doctor.VERB, check_config.VERB, version.VERB,
)  # fmt: skip


_INTERRUPTED = 128 + signal.SIGINT  # what a shell makes of a program that this signal ended


def main(argv: list[str] | None = None) -> int:
    """The command; its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if old := original.refusal(argv):
        asking.complain(old)
        return ExitStatus.EX_USAGE
    options = _options(argv)
    try:
        answer: int = options.run(options)
        sys.stdout.flush()
    except ControlError as error:
        return asking.failed(options, error)
    except BrokenPipeError:
        return reader.left()
    except KeyboardInterrupt:  # whoever waits for an answer may give up; what was ordered is done
        return _INTERRUPTED
    return answer


class _Parser(argparse.ArgumentParser):
    """Says where to look, too, when it says what is wrong."""

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}\n  hint: see: {self.prog} --help")


def _options(argv: list[str]) -> argparse.Namespace:
    """Without a verb the status is meant, whatever options are given."""
    parser = arguments()
    known, _ = parser.parse_known_args(argv)
    return parser.parse_args(argv if known.run else [status.VERB.name, *argv])


def arguments() -> argparse.ArgumentParser:
    """The command line, made from the table."""
    parser = _Parser(
        prog="camwatchctl",
        description="Asks camwatchd, which supervises and recovers cameras. Without a verb: status.",
    )
    parser.add_argument("--version", action="version", version=f"camwatchctl {__version__}")
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=asking.default_socket(),
        help="of the daemon; default: %(default)s",
    )
    parser.set_defaults(run=None)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for verb in VERBS:
        verb_parser = verbs.add_parser(verb.name, help=verb.summary, description=f"{verb.summary}.")
        verb.add_arguments(verb_parser)
        verb_parser.formatter_class = argparse.RawDescriptionHelpFormatter
        verb_parser.epilog = "\n\n".join(filter(None, (verb_parser.epilog, exits.text(verb.name))))
        verb_parser.set_defaults(run=verb.run)
    return parser
