# SPDX-License-Identifier: MIT
"""Owns how the past reads: what is open, what rebooted the machine, then a line for each boot and incident."""

from collections import Counter
from collections.abc import Iterator, Sequence

from camwatchd.adapters.ledger_story import Asked, Boot, End, Headline, History
from camwatchd.core.drills import MARK
from camwatchd.core.timespan import duration

_WHY = {
    End.CLEAN_STOP: "after a clean stop of camwatchd: somebody shut the machine down or rebooted it",
    End.UNEXPLAINED: "after power loss, panic, hardware watchdog or systemd's start limit: nothing was asked for",
}
_BUT = 'but for [reboot] mode = "observe"'
_HELPED = {True: "it helped", False: "it did not help", None: "whether it helped is not known yet"}


def text(history: History, notes: Sequence[str]) -> str:
    """Lines without one at the end."""
    lines = [*_first(history), ""]
    lines += [line for _, line in sorted(_events(history), key=lambda event: event[0], reverse=True)]
    lines += ["", *_last(history, notes)]
    return "\n".join(lines)


def reboot(asked: Asked) -> str:
    """A reboot that camwatchd asked for, and what came of it."""
    return f"for {_whose(asked)}: {_HELPED[asked.helped]}"


def _whose(asked: Asked) -> str:
    return f"{asked.camera} ({asked.fault})"


def incident(one: Headline) -> str:
    """One line, without time and number."""
    attempts = "attempt" if one.failed_attempts == 1 else "attempts"
    at_least = "at least " if one.trimmed else ""
    counts = [f"{at_least}{one.failed_attempts} {attempts} failed"] if one.failed_attempts else []
    counts += ["parked"] if one.parked else []
    tried = f" ({', '.join(counts)})" if counts else ""
    what = f"{one.camera}: {f'{MARK}: ' if one.drill else ''}{one.fault}"
    if not one.ended:
        return f"{what}: OPEN, last written {duration(one.seconds)} after it began{tried}"
    return f"{what}: {one.ended}, after {duration(one.seconds)}{tried}"


def _first(history: History) -> Iterator[str]:
    is_open = [one for one in history.incidents if not one.ended and not one.drill]
    state = "OPEN" if history.knows_this_boot else "open when the machine went down"
    for one in is_open:
        yield f"{state}: {one.camera}: {one.fault} since {one.wall}; see: camwatchctl incident {one.number}"
    if not is_open:
        yield "no incident is open"
    every = [one for boot in history.boots for one in reversed(boot.asked)]
    asked = [one for one in every if not one.observed]
    if asked:
        yield f"last reboot asked for by camwatchd: {asked[0].wall}, {reboot(asked[0])}"
    else:
        yield "camwatchd has asked for no reboot in this time"
    if every and every[0].observed:
        yield f"a reboot would have been asked for: {every[0].wall}, for {_whose(every[0])}, {_BUT}"


def _events(history: History) -> Iterator[tuple[tuple[float, int], str]]:
    """Each with its place in time; of a boot and an incident at once the boot was first."""
    for boot in history.boots:
        yield (boot.at, 0), f"{boot.wall}  boot {boot.number:<8}  {_boot(boot)}"
    for one in history.incidents:
        yield (one.at, 1), f"{one.wall}  incident {one.number:<4}  {incident(one)}"


def _boot(boot: Boot) -> str:
    so_far = " so far" if boot.end is End.NOT_YET else ""
    parts = [_why(boot), f"up at least {duration(boot.uptime)}{so_far}"]  # as last noted, every ten minutes
    if boot.starts > 1:
        parts.append(f"{boot.starts} starts of the service")
    if not boot.healthy:
        parts.append("no camera was healthy")
    parts += _observed(boot)
    return "; ".join(parts)


def _observed(boot: Boot) -> Iterator[str]:
    """Those that were not asked for, the same only once."""
    for whose, times in Counter(_whose(one) for one in boot.asked if one.observed).items():
        what = "a reboot" if times == 1 else f"{times} reboots"
        yield f"for {whose} {what} would have been asked for, {_BUT}"


def _why(boot: Boot) -> str:
    if boot.after_reboot is not None:
        return f"after a reboot that camwatchd asked for, {reboot(boot.after_reboot)}"
    return "the ledger begins here" if boot.after is None else _WHY[boot.after]


def _last(history: History, notes: Sequence[str]) -> Iterator[str]:
    yield from (f"note: {note}" for note in notes)
    walls = [boot.wall for boot in history.boots]
    if walls != sorted(walls, reverse=True):
        yield "note: the clock has jumped; the order is right, the times are as the machine had them"
    yield (
        f"the newest {history.keep_incidents} incidents are kept, for {history.keep_days:g} days in which the machine "
        "is on; one of them whole: camwatchctl incident ID"
    )
