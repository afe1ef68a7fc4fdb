# SPDX-License-Identifier: MIT
"""Owns the budget: whether a camera may restart the service or reboot the machine, and by what name it may not.

`decide_reboot` and `decide_restart` are asked by the recorder, which holds the facts; what they grant is written
down durably before anybody acts on it. The order of the checks is the order of what a human should hear first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from camwatchd.core.settings import Reboot

BURST = 4  # StartLimitBurst= of the unit; a test compares the two
MOST_SERVICE_RESTARTS = 2  # on purpose, in one start-limit interval
REBOOTING_ACTIONS = ("reboot", "reboot-force", "reboot-immediate")
NO_UNIT = "no-unit"  # in the place of an action: no systemd started us
DAY = 86400.0
WEEK = 7 * DAY
LOOK_AGAIN = 10.0  # seconds between two looks at a package operation or an inhibitor
WINDOW_AGAIN = 600.0  # ... at the clock: it may be set while we wait for the time window


class Kind(StrEnum):
    """What becomes of a request to leave."""

    GRANTED = "granted"  # written down; leave at once
    OBSERVED = "observed"  # mode = "observe": it would have been granted
    POSTPONED = "postponed"  # nothing is against it but the moment
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: `name` is what STATUS shows, `detail` a sentence for a human.

    `again_in`: seconds until asking again can give another answer; 0: only health can.
    """

    kind: Kind
    name: str = ""
    detail: str = ""
    again_in: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the ledger, the unit and the machine say; spans in seconds, reboots counted over powered-on time."""

    untrusted: str = (
        ""  # why the ledger proves nothing: "on tmpfs", "disk full" ...; empty: it can be relied on
    )
    ever_healthy: bool = False  # the ledger holds a healthy frame of this camera
    unhelpful: int = 0  # reboots for this camera since it was last healthy
    in_a_day: int = 0  # reboots for any camera in the last 24 h
    day_frees_in: float = 0.0  # until the oldest of them is older than that
    in_a_week: int = 0
    week_frees_in: float = 0.0
    forgotten_frees_in: float = 0.0  # ... reboots that an older ledger may have counted, which was set aside
    uptime: float = 0.0  # of this boot
    action: str = ""  # the effective StartLimitAction=; empty: systemd could not be asked
    service_watchdogs: bool = True  # `systemd-analyze service-watchdogs`
    others: tuple[str, ...] = ()  # who is at work that a reboot would disturb, in words
    waited_for_others: float = 0.0
    window_opens_in: float = (
        0.0  # until the time window opens; 0: open, none configured, or the clock is not set
    )
    starts: int = 1  # of the service in this start-limit interval, this one included
    service_restarts: int = 0  # of them on purpose


def decide_reboot(rules: Reboot, max_reboots: int, facts: Facts) -> Verdict:
    """Whether this camera may reboot the machine now; `max_reboots` as the fault table has it."""
    for objection in _objections(rules, max_reboots, facts):
        return objection
    if rules.mode == "observe":
        return Verdict(
            Kind.OBSERVED, "observe", 'the machine would be rebooted now, but [reboot] mode = "observe"'
        )
    return Verdict(Kind.GRANTED)


def decide_restart(facts: Facts, *, is_the_cure: bool = False) -> Verdict:
    """Whether the service may be restarted on purpose: a start too many would reboot the machine.

    `is_the_cure`: the fault is one of the service's own start, and says nothing about the camera.
    """
    if facts.untrusted:
        return _no("ledger-untrusted", f"the open incident cannot be written down: {facts.untrusted}")
    if not (facts.ever_healthy or is_the_cure):
        return _no("never-healthy", "this camera never gave a frame here; another start cannot be the cure")
    if facts.service_restarts >= MOST_SERVICE_RESTARTS:
        return _no(
            "restarts-spent", f"the service was restarted {facts.service_restarts} times on purpose already"
        )
    if facts.starts >= BURST - 1:
        return _no(
            "start-limit-near",
            f"the service was started {facts.starts} times, {BURST + 1} reboot the machine",
        )
    return Verdict(Kind.GRANTED)


def _objections(rules: Reboot, max_reboots: int, facts: Facts) -> Iterator[Verdict]:
    if rules.mode == "off":
        yield _no("reboots-off", '[reboot] mode = "off"')
    if max_reboots == 0:
        yield _no("no-cure", "a reboot does not cure this fault")
    if facts.untrusted:
        yield _no("ledger-untrusted", f"no budget can be proved: {facts.untrusted}")
    if not facts.ever_healthy:
        yield _no("never-healthy", "this camera never gave a healthy frame here since the ledger was begun")
    if facts.unhelpful >= max_reboots > 0:
        yield _no(
            "did-not-help", f"reboots since its last healthy frame: {facts.unhelpful}, of {max_reboots}"
        )
    # Before systemd: where the budget is spent the guard is closed too, and only the budget says until when.
    yield from _budget_objects(rules, facts)
    yield from _systemd_objects(rules, facts)
    yield from _moment_objects(rules, facts)


def _systemd_objects(rules: Reboot, facts: Facts) -> Iterator[Verdict]:
    if rules.mode == "observe":
        return  # what would have been does not depend on who would have done it
    if facts.action == NO_UNIT:
        yield _no("no-systemd", "not started as a service by systemd, so nobody would reboot")
    elif not facts.action:
        yield _later("systemd-silent", "systemd does not say what its start limit would do", 6 * LOOK_AGAIN)
    elif facts.action not in REBOOTING_ACTIONS:
        text = f"StartLimitAction={facts.action} is in effect: the guard closed it for this boot, or a drop-in did"
        yield _no("guard-closed", text)
    if not facts.service_watchdogs:
        yield _no("watchdogs-off", "service watchdogs are off (systemd-analyze service-watchdogs)")


def _budget_objects(rules: Reboot, facts: Facts) -> Iterator[Verdict]:
    if facts.forgotten_frees_in > 0:
        text = (
            "an older ledger was set aside, and its count of reboots is lost: that of a week counts as spent"
        )
        yield _no("ledger-set-aside", text, facts.forgotten_frees_in)
    if facts.in_a_day >= rules.max_reboots_per_day:
        text = f"{facts.in_a_day} reboots in 24 powered-on hours, max_reboots_per_day = {rules.max_reboots_per_day}"
        yield _no("daily-limit", text, facts.day_frees_in)
    if facts.in_a_week >= rules.max_reboots_per_week:
        text = f"{facts.in_a_week} reboots in 7 powered-on days, max_reboots_per_week = {rules.max_reboots_per_week}"
        yield _no("weekly-limit", text, facts.week_frees_in)


def _moment_objects(rules: Reboot, facts: Facts) -> Iterator[Verdict]:
    if (left := rules.min_uptime_before_reboot - facts.uptime) > 0:
        text = f"up for {facts.uptime:.0f} s, min_uptime_before_reboot = {rules.min_uptime_before_reboot:g}"
        yield _later("min-uptime", text, left)
    if facts.window_opens_in > 0:
        yield _later(
            "time-window", f"[reboot] window = {rules.window!r}", min(facts.window_opens_in, WINDOW_AGAIN)
        )
    if facts.others and facts.waited_for_others < rules.wait_for_others:
        left = rules.wait_for_others - facts.waited_for_others
        text = f"{', '.join(facts.others)}; waiting for it at most {left:.0f} s more"
        yield _later("others-at-work", text, min(LOOK_AGAIN, left))


def _no(name: str, detail: str, again_in: float = 0.0) -> Verdict:
    return Verdict(Kind.REFUSED, name, detail, again_in)


def _later(name: str, detail: str, again_in: float) -> Verdict:
    return Verdict(Kind.POSTPONED, name, detail, again_in)
