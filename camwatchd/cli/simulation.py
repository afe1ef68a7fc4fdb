# SPDX-License-Identifier: MIT
"""Owns how a rehearsal of the ladder reads: what would be tried and when, and the longest time without frames."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from camwatchd.cli import asking
from camwatchd.cli.table import table
from camwatchd.core import alerts, drills, liveness, orders
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import to_plain
from camwatchd.core.rehearsal import Course, End, Moment, Subject, rehearse
from camwatchd.core.settings import CameraSettings, Settings
from camwatchd.core.state import Policy
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

HEAD = ("soonest", "latest", "what happens")
OUTAGES = ("fault", "noticed within", "soonest end", "latest end", "ends")
_NONE = CameraSettings()  # where none is configured
_PLACE = "simulated:usb"
_SHOWN = 12  # of attempts that are the same over and over
_NOTHING = Moment(0.0, "")
_FINALLY = {
    End.REBOOT: "until the reboot is asked for, which the budget may refuse: then it is parked and probed",
    End.PARKED: "until it is parked: then it is probed after 1, 5, 15 and every 60 minutes",
    End.PROBED: "until here; the probes go on until somebody ends what is wrong",
}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One fault of one camera: every step at once, and every step at its bound."""

    camera: str
    fault: str
    required: bool
    usb: bool
    soonest: Course
    latest: Course
    remark: str = ""  # why it could not happen as things are configured


def of(settings: Settings, camera: CameraSettings, fault: str, *, usb: bool) -> Rehearsal:
    """By the rules that are configured."""
    policy = Policy(supervision=settings.supervision, ladder=settings.ladder, required=camera.required)
    subject = Subject(
        fault=fault, place=_PLACE if usb else "", checks=camera.checks,
        frame_duration=liveness.expected_frame_duration(camera.frame_rate),
    )  # fmt: skip
    mode = settings.reboot.mode
    soonest, latest = (_granted(rehearse(policy, subject, slow=slow), mode) for slow in (False, True))
    remark = drills.unseen(camera.checks, fault)
    return Rehearsal(camera.name, fault, camera.required, usb, soonest, latest, remark)


def _granted(course: Course, mode: str) -> Course:
    """The rehearsal grants what is asked for. [reboot] does not, unless it is armed, and then the camera is parked."""
    if course.end is not End.REBOOT or mode == "armed":
        return course
    parked = Moment(course.seconds, End.PARKED, Rung.REBOOT, 0, orders.forbidden(mode, Rung.REBOOT))
    return replace(course, moments=(*course.moments, parked), end=End.PARKED)


def text(found: Rehearsal) -> str:
    """One fault, move by move."""
    kind = "required" if found.required else "optional"
    place = "on USB" if found.usb else "on a ribbon cable"
    rows = list(_rows(_pairs(found.soonest.moments, found.latest.moments)))
    return "\n".join([
        f"{found.fault}: {FAULTS[found.fault].human}",
        *filter(None, [found.remark]),
        f"the {kind} camera {found.camera}, {place}, that never returns; counted from the last healthy frame,",
        "if every step ends at once, and if it takes all the time that it may",
        "",
        table(HEAD, rows),
        "",
        f"longest time without frames: {duration(found.latest.seconds)}, {_FINALLY[found.latest.end]}",
    ])  # fmt: skip


def _rows(pairs: Iterable[tuple[Moment | None, Moment | None]]) -> Iterator[tuple[str, str, str]]:
    """A line each; of what is done over and over the first and the last one."""
    for again, group in groupby(pairs, key=lambda pair: (pair[0] or pair[1] or _NOTHING).detail == "again"):
        same = list(group)
        few = not again or len(same) <= _SHOWN
        for early, late in same if few else same[:1]:
            yield _after(early), _after(late), _what(early or late)
        if not few:
            early, late = same[-1]
            what = f"and so on: {_what(early or late)}; this is number {len(same)}"
            yield _after(early), _after(late), what


def outages(found: list[Rehearsal]) -> str:
    """Every fault in a line."""
    rows = [
        (
            r.fault,
            *map(_span, (r.latest.moments[0].after, r.soonest.seconds, r.latest.seconds)),
            r.latest.end,
        )
        for r in found
    ]
    return table(OUTAGES, rows)


def known(settings: Settings) -> dict[str, CameraSettings]:
    """The cameras that are configured, or the one that is looked for where none is."""
    return {camera.name: camera for camera in settings.cameras} or {_NONE.name: _NONE}


def nobody(name: str, known: Iterable[str]) -> str:
    """What to say of a name that no camera has."""
    return f"no camera is called {name!r:.40}; there are: {', '.join(known) or 'none'}"


def run(options: argparse.Namespace, settings: Settings, faults: tuple[str, ...]) -> int:
    """The verb's other half."""
    cameras = known(settings)
    name = options.camera or next(iter(cameras))
    if name not in cameras:
        asking.complain(nobody(name, cameras))
        return ExitStatus.EX_USAGE
    found = [of(settings, cameras[name], fault, usb=options.usb) for fault in faults]
    shown = text(found[0]) if len(found) == 1 else outages(found)
    sys.stdout.write(f"{json.dumps(to_plain(found), indent=2) if options.json else shown}\n")
    return ExitStatus.EX_OK


def _pairs(soonest: Sequence[Moment], latest: Sequence[Moment]) -> list[tuple[Moment | None, Moment | None]]:
    """The same move side by side: who counts sooner to the thresholds needs fewer moves."""
    early = list(soonest)
    pairs = [(early.pop(0) if early and _same(early[0], late) else None, late) for late in latest]
    return [*pairs, *((moment, None) for moment in early)]


def _same(one: Moment, other: Moment) -> bool:
    return (one.what, one.rung, one.attempt) == (other.what, other.rung, other.attempt)


def _after(moment: Moment | None) -> str:
    return "-" if moment is None else _span(moment.after)


def _span(seconds: float) -> str:
    """Whole seconds, for what is to be compared: `duration` rounds to minutes."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _what(moment: Moment | None) -> str:
    assert moment is not None
    return "; ".join(filter(None, _words(moment)))


def _words(moment: Moment) -> Iterator[str]:
    which = f"{moment.rung} (attempt {moment.attempt})" if moment.attempt else str(moment.rung or "")
    match moment.what:
        case "noticed":
            yield f"{alerts.of_issue(FAULTS[moment.detail].issue).name}: {moment.detail}"
        case "attempt" if moment.detail == "again":
            yield f"{moment.rung} again, until the thresholds of [supervision] are reached"
        case "attempt":
            yield which
            yield "systemd starts us afresh" if moment.rung is Rung.RESTART_SERVICE else moment.detail
        case "probe":
            yield "probe: a fresh worker looks whether it is back"
        case "skipped":
            yield f"{moment.rung} is passed over: {moment.detail}"
        case "critical":
            yield f"{alerts.CRITICAL.name}: {moment.detail}"
        case End.REBOOT:
            yield "asks whether the machine may be rebooted"
        case End.PARKED:
            yield f"{alerts.CRITICAL.name}: parked ({moment.detail})"
