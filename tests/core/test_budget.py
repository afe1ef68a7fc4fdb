# SPDX-License-Identifier: MIT
"""The budget: each check by its name, and what is never granted whatever else is true."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core.budget import (
    BURST,
    DAY,
    LOOK_AGAIN,
    MOST_SERVICE_RESTARTS,
    NO_UNIT,
    REBOOTING_ACTIONS,
    WEEK,
    WINDOW_AGAIN,
    Facts,
    Kind,
    Verdict,
    decide_reboot,
    decide_restart,
)
from camwatchd.core.settings import Reboot

GOOD = Facts(ever_healthy=True, uptime=400.0, action="reboot")
_spans = st.one_of(st.just(0.0), st.floats(0.001, 2 * WEEK))
_rules = st.builds(
    Reboot,
    mode=st.sampled_from(["armed", "observe", "off"]),
    max_reboots_per_day=st.integers(0, 5),
    max_reboots_per_week=st.integers(0, 10),
    min_uptime_before_reboot=_spans,
    wait_for_others=_spans,
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Whatever can be; a count comes with the time in which it frees, as the ledger gives it."""
    day, week = draw(st.integers(0, 6)), draw(st.integers(0, 12))
    return Facts(
        untrusted=draw(st.sampled_from(["", "", "", "on tmpfs"])),
        ever_healthy=draw(st.integers(0, 3)) > 0,
        unhelpful=draw(st.integers(0, 3)),
        in_a_day=day, day_frees_in=draw(st.floats(0.001, DAY)) if day else 0.0,
        in_a_week=week, week_frees_in=draw(st.floats(0.001, WEEK)) if week else 0.0,
        forgotten_frees_in=draw(_spans),
        uptime=draw(_spans),
        action=draw(st.sampled_from([*REBOOTING_ACTIONS, "none", "poweroff", "", NO_UNIT])),
        service_watchdogs=draw(st.integers(0, 3)) > 0,
        others=draw(st.sampled_from([(), (), ("package operation by apt (pid 7)",)])),
        waited_for_others=draw(_spans),
        window_opens_in=draw(_spans),
        starts=draw(st.integers(1, 6)),
        service_restarts=draw(st.integers(0, 3)),
    )  # fmt: skip


def name_of(rules: Reboot | None = None, max_reboots: int = 2, **different: object) -> str:
    """The verdict's name, all else being well."""
    return decide_reboot(rules or Reboot(), max_reboots, replace(GOOD, **different)).name  # type: ignore[arg-type]


def test_a_reboot_is_granted_when_nothing_is_against_it() -> None:
    """Armed, healthy once, up long enough, and systemd would do it."""
    assert Verdict(Kind.GRANTED) == decide_reboot(Reboot(), 2, GOOD)
    assert Verdict(Kind.GRANTED) == decide_restart(GOOD)


@pytest.mark.parametrize(
    ("name", "rules", "max_reboots", "different"),
    [
        ("reboots-off", Reboot(mode="off"), 2, {}),
        ("no-cure", Reboot(), 0, {}),
        ("ledger-untrusted", Reboot(), 2, {"untrusted": "on tmpfs"}),
        ("never-healthy", Reboot(), 2, {"ever_healthy": False}),
        ("did-not-help", Reboot(), 1, {"unhelpful": 1}),
        ("did-not-help", Reboot(), 2, {"unhelpful": 2}),
        ("no-systemd", Reboot(), 2, {"action": NO_UNIT}),
        ("systemd-silent", Reboot(), 2, {"action": ""}),
        ("guard-closed", Reboot(), 2, {"action": "none"}),
        ("guard-closed", Reboot(), 2, {"action": "poweroff"}),
        ("watchdogs-off", Reboot(), 2, {"service_watchdogs": False}),
        ("daily-limit", Reboot(), 2, {"in_a_day": 4, "day_frees_in": 60.0}),
        ("daily-limit", Reboot(max_reboots_per_day=0), 2, {}),
        ("daily-limit", Reboot(), 2, {"in_a_day": 4, "action": "none"}),
        ("weekly-limit", Reboot(), 2, {"in_a_week": 10, "week_frees_in": 60.0}),
        ("ledger-set-aside", Reboot(), 2, {"forgotten_frees_in": 60.0, "action": "none"}),
        ("min-uptime", Reboot(), 2, {"uptime": 299.0}),
        ("time-window", Reboot(window="02:00-03:00"), 2, {"window_opens_in": 1.0}),
        ("others-at-work", Reboot(), 2, {"others": ("dpkg",)}),
        ("observe", Reboot(mode="observe"), 2, {"action": "none"}),
        ("", Reboot(), 3, {"unhelpful": 2}),
        ("", Reboot(), 2, {"in_a_day": 3, "in_a_week": 9}),
        ("", Reboot(), 2, {"uptime": 300.0}),
        ("", Reboot(), 2, {"others": ("dpkg",), "waited_for_others": 900.0}),
    ],
)
def test_each_objection_has_its_name(
    name: str, rules: Reboot, max_reboots: int, different: dict[str, object]
) -> None:
    """One thing wrong at a time, at its limit."""
    assert name == name_of(rules, max_reboots, **different)


@pytest.mark.parametrize(
    ("name", "different"),
    [
        ("ledger-untrusted", {"untrusted": "disk full"}),
        ("never-healthy", {"ever_healthy": False}),
        ("restarts-spent", {"service_restarts": MOST_SERVICE_RESTARTS}),
        ("start-limit-near", {"starts": BURST - 1}),
        ("", {"starts": BURST - 2, "service_restarts": MOST_SERVICE_RESTARTS - 1}),
    ],
)
def test_each_objection_to_a_restart_has_its_name(name: str, different: dict[str, object]) -> None:
    """One thing wrong at a time: a start too many would reboot the machine."""
    assert name == decide_restart(replace(GOOD, **different)).name  # type: ignore[arg-type]


def test_a_camera_that_the_service_itself_may_not_open_need_not_have_worked() -> None:
    """A sandbox made before the kernel had registered the devices is cured by another start, and by nothing else."""
    new = replace(GOOD, ever_healthy=False)

    assert Verdict(Kind.GRANTED) == decide_restart(new, is_the_cure=True)
    spent = replace(new, service_restarts=MOST_SERVICE_RESTARTS)
    assert "restarts-spent" == decide_restart(spent, is_the_cure=True).name


@given(_rules, st.integers(0, 3), facts())
def test_what_is_never_granted(rules: Reboot, most: int, known: Facts) -> None:
    """A reboot is granted only if each of the rules allows it, whatever the order in which they are asked."""
    verdict = decide_reboot(rules, most, known)
    allowed = (
        not known.untrusted
        and known.ever_healthy
        and known.unhelpful < most
        and known.in_a_day < rules.max_reboots_per_day
        and known.in_a_week < rules.max_reboots_per_week
        and known.forgotten_frees_in == 0
        and known.uptime >= rules.min_uptime_before_reboot
        and known.window_opens_in == 0
        and (not known.others or known.waited_for_others >= rules.wait_for_others)
    )
    by_systemd = known.action in REBOOTING_ACTIONS and known.service_watchdogs

    assert (verdict.kind is Kind.GRANTED) == (allowed and by_systemd and rules.mode == "armed")
    assert (verdict.kind is Kind.OBSERVED) == (allowed and rules.mode == "observe")


@given(facts())
def test_what_restarts_are_never_granted(known: Facts) -> None:
    """A restart on purpose needs a ledger, a camera that was healthy, and room below the start limit."""
    granted = decide_restart(known).kind is Kind.GRANTED

    assert granted == (
        not known.untrusted
        and known.ever_healthy
        and known.service_restarts < MOST_SERVICE_RESTARTS
        and known.starts < BURST - 1
    )


@given(_rules, st.integers(0, 3), facts())
def test_every_refusal_says_why_and_until_when(rules: Reboot, most: int, known: Facts) -> None:
    """A name, a sentence, and for what is only postponed a time that is worth waiting for."""
    for verdict in (decide_reboot(rules, most, known), decide_restart(known)):
        if verdict.kind is Kind.GRANTED:
            continue
        assert verdict.name
        assert verdict.detail
        assert verdict.again_in >= 0
        assert verdict.again_in > 0 or verdict.kind is not Kind.POSTPONED


@given(_rules, st.integers(0, 3), facts())
def test_waiting_as_told_leads_on(rules: Reboot, most: int, known: Facts) -> None:
    """After `again_in` the same facts, that much later, are not refused for the same reason before the same time."""
    verdict = decide_reboot(rules, most, known)
    if verdict.name in ("min-uptime", "others-at-work"):
        later = replace(
            known, uptime=known.uptime + verdict.again_in * 1.001,
            waited_for_others=known.waited_for_others + verdict.again_in * 1.001,
        )  # fmt: skip
        again = decide_reboot(rules, most, later)
        assert verdict.name != again.name or again.again_in <= LOOK_AGAIN


def test_a_limit_says_when_it_frees() -> None:
    """A budget that is spent reopens; one that is nought does not, and is not asked about every second."""
    spent = decide_reboot(Reboot(), 2, replace(GOOD, in_a_day=4, day_frees_in=77.0))
    nought = decide_reboot(Reboot(max_reboots_per_week=0), 2, GOOD)

    assert (Kind.REFUSED, 77.0) == (spent.kind, spent.again_in)
    assert (Kind.REFUSED, 0.0) == (nought.kind, nought.again_in)


def test_a_far_window_is_asked_about_again_before() -> None:
    """The clock may be set while we wait: not more than ten minutes pass without a look."""
    verdict = decide_reboot(Reboot(window="02:00-03:00"), 2, replace(GOOD, window_opens_in=50000.0))

    assert WINDOW_AGAIN == verdict.again_in == 600


def test_others_are_waited_for_within_bounds() -> None:
    """They are named, looked at every ten seconds, and not waited for longer than configured."""
    known = replace(GOOD, others=("package operation by apt (pid 7)",), waited_for_others=895.0)
    verdict = decide_reboot(Reboot(), 2, known)

    assert (Kind.POSTPONED, 5.0) == (verdict.kind, verdict.again_in)
    assert "package operation by apt (pid 7)" in verdict.detail


def test_nothing_that_is_not_known_speaks_for_a_reboot() -> None:
    """A fact that nobody filled in: the default refuses."""
    assert {f.name for f in fields(Facts)} >= {"ever_healthy", "action"}
    assert "never-healthy" == decide_reboot(Reboot(), 2, Facts(action="reboot", uptime=400.0)).name
    assert "systemd-silent" == decide_reboot(Reboot(), 2, Facts(ever_healthy=True, uptime=400.0)).name
