# SPDX-License-Identifier: MIT
"""Owns `camwatchctl recover`: a recovery that does not wait for its time, followed to its end."""

import argparse
import json
import sys
from collections.abc import Sequence

from camwatchd.cli import asking, following
from camwatchd.cli.duration import at_most
from camwatchd.cli.verb import Verb
from camwatchd.control.facts import RecoverPlan
from camwatchd.control.protocol import Recover, RecoverFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import to_plain
from camwatchd.errors import ExitStatus

_EPILOG = """\
Without --rung the camera is taken anew, from the foot of the ladder: a parked one is probed, a healthy one gets
a fresh worker. restart-service and reboot leave the process: they are asked for, and the budget decides as ever."""


def text(plans: Sequence[RecoverPlan]) -> str:
    """What would be done, for humans."""
    lines = []
    for plan in plans:
        disturbed = "; it is healthy, and its frames would stop meanwhile" if plan.disturbs else ""
        may = f"may not be done: {plan.objection}" if plan.objection else f"would be done{disturbed}"
        lines += [f"{plan.camera}: {may}", *(f"  {step}" for step in plan.steps)]
    return "\n".join(lines) or "no camera is configured: nothing is recovered"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rung", choices=[rung.value for rung in Rung], help="only with this remedy, and what is above it"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask before a healthy camera is disturbed")
    parser.add_argument("--no-wait", action="store_true", help="do not follow it to its end")
    parser.add_argument(
        "--timeout", metavar="T", type=at_most(86400.0), default=600.0,
        help="follow it at most so long: 90s, 10m or plain seconds; default: 10m",
    )  # fmt: skip
    asking.cameras(parser)
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def _run(options: argparse.Namespace) -> int:
    rung = Rung(options.rung) if options.rung else None
    planned = asking.ask(options, Recover(tuple(options.camera), rung, dry_run=True), RecoverFacts)
    if options.dry_run:
        asking.show(options, planned, text(planned.plans))
        return ExitStatus.EX_TEMPFAIL if any(plan.objection for plan in planned.plans) else ExitStatus.EX_OK
    if not _may_disturb(options, planned.plans):
        return ExitStatus.EX_USAGE
    facts = asking.ask(options, Recover(planned.cameras, rung), RecoverFacts)
    asking.announce(options, _begun(facts))
    if options.no_wait or not facts.cameras:
        if options.json:
            asking.show(options, facts, "")
        return ExitStatus.EX_OK
    return _followed(options, facts)


def _begun(facts: RecoverFacts) -> str:
    if not facts.cameras:
        return "no camera is configured: nothing is recovered"
    return "\n".join(f"{plan.camera}: {plan.steps[0]}" for plan in facts.plans)


def _may_disturb(options: argparse.Namespace, plans: Sequence[RecoverPlan]) -> bool:
    """A camera that delivers is not interrupted unasked."""
    healthy = ", ".join(plan.camera for plan in plans if plan.disturbs and not plan.objection)
    if not healthy or options.yes:
        return True
    if options.json or not sys.stdin.isatty():
        asking.complain(
            f"{healthy}: healthy, and frames would stop meanwhile\n  hint: --yes does it all the same"
        )
        return False
    sys.stdout.write(f"{healthy}: healthy, and frames will stop meanwhile. Recover all the same? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    asking.complain("nothing was done")
    return False


def _followed(options: argparse.Namespace, facts: RecoverFacts) -> int:
    try:
        leaving = options.rung in (Rung.RESTART_SERVICE, Rung.REBOOT)
        ends = following.follow(options, facts.cameras, leaving=leaving)
    except KeyboardInterrupt:
        asking.complain("the recovery goes on\n  hint: how it goes: camwatchctl status --watch")
        raise
    if options.json:
        asking.say(json.dumps({**to_plain(facts), "ends": [to_plain(end) for end in ends]}, indent=2))
    return following.exit_status(ends)


VERB = Verb(
    "recover", "recover now, with the remedy of your choice, and follow it to its end", _arguments, _run
)
