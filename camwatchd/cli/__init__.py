# SPDX-License-Identifier: MIT
"""Owns the command `camwatchctl`: the table of its verbs, and the way from an argument to one of them."""

import argparse
import os
import signal
import sys

from camwatchd import __version__
from camwatchd.cli import (
    asking,
    check_config,
    command_line,
    controls,
    doctor,
    drill,
    exits,
    faults,
    frames,
    health,
    history,
    incident,
    ladder,
    last_words,
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
    if not _can_talk():
        return ExitStatus.EX_IOERR
    if old := original.refusal(argv):
        asking.complain(old)
        return ExitStatus.EX_USAGE
    try:
        try:
            answer = _ran(argv) if "--json" not in argv else _ran_for_programs(argv)
        finally:
            sys.stdout.flush()  # of what leaves at once, such as --help, too
    except BrokenPipeError:
        return reader.left()
    except OSError as error:
        if error.filename is not None or error.errno not in reader.UNWRITTEN:
            raise
        return frames.unwritten(frames.STDOUT, error)
    except KeyboardInterrupt:  # whoever waits for an answer may give up; what was ordered is done
        return _INTERRUPTED
    return answer


def _can_talk() -> bool:
    """A shell may have closed our outputs. Nothing is done for whom nothing can be told."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # as long as we run
    if sys.stdout is None:
        sys.stderr.write("camwatchctl: standard output is closed\n  hint: >/dev/null, not >&-\n")
        return False
    return True


def _ran(argv: list[str]) -> int:
    options = _understood(argv)
    try:
        answer: int = options.run(options)
    except ControlError as error:
        return asking.failed(options, error)
    return answer


def _ran_for_programs(argv: list[str]) -> int:
    """What fails is an object, too."""
    reason, wrong = "", None
    with last_words.overheard() as heard:
        try:
            options = _options(argv)
            answer: int = options.run(options)
        except command_line.UsageError as error:
            wrong, answer, reason = error, command_line.said(error, argv), "usage"
            heard.err.text = f"{error.message}\n  hint: {error.hint}"
        except ControlError as error:
            answer, reason = asking.failed(options, error), error.reason.value
    sys.stdout.write(last_words.written(heard, answer, reason))
    if wrong:
        sys.stdout.flush()
        sys.exit(answer)
    return answer


def _understood(argv: list[str]) -> argparse.Namespace:
    try:
        return _options(argv)
    except command_line.UsageError as error:
        sys.exit(command_line.said(error, argv))


def _options(argv: list[str]) -> argparse.Namespace:
    """Without a verb the status is meant, whatever options are given."""
    lacking = command_line.lacks_verb(argv)
    known, rest = arguments().parse_known_args([*[status.VERB.name] * lacking, *argv])
    late = next((verb.name for verb in VERBS if verb.name in rest), "") if lacking else ""
    if late:
        raise command_line.UsageError(known.parser, command_line.behind(late, argv))
    if rest:
        raise command_line.UsageError(known.parser, f"unrecognized arguments: {' '.join(rest)}")
    return known


def arguments() -> argparse.ArgumentParser:
    """The command line, made from the table."""
    parser = command_line.Parser(
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
        verb_parser.set_defaults(run=verb.run, parser=verb_parser)
    return parser
