# SPDX-License-Identifier: MIT
"""Owns the proof that systemd's watchdog is paid for by healthy frames only, and is told what recovery may take.

Several daemons run side by side, one for each arrangement of cameras; systemd's end of each socket is real.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from tests.process.daemon import QUICK, Daemon, Note, camera, daemon

_FOR_EVER: dict[str, object] = {"kind": "missing", "at": 0}
# One round of the ladder takes a second, and then the next begins.
_SPENT = QUICK.replace("recovery_cooldown = 1", "recovery_cooldown = 0.3").replace(
    "attempts = 2", "attempts = 1"
)

ARRANGEMENTS = {
    "story": QUICK.replace(
        "backoff = 0.1", "backoff = 0.5"
    )  # longer than the pause between two lines of status
    + camera(
        "cam0",
        {"kind": "slow-open", "at": 0, "amount": 1.0, "duration": 2.0},
        {"kind": "stall", "at": 3.5, "duration": 0.7},
        {"kind": "stall", "at": 6, "until": "restart-worker"},
    ),
    "spent": _SPENT + camera("cam0", {"kind": "exit", "amount": 3, "at": 0.5, "duration": 1000}),
    "one-dead": QUICK + camera("good") + camera("dead", _FOR_EVER),
    "optional-dead": QUICK + camera("good") + camera("dead", _FOR_EVER, required=False),
    "none-required": QUICK + camera("good", required=False),
}
_RENEWED = 4.0  # so long that a busy machine does not matter: a quarter is a second
_BASE = {"none-required": _RENEWED}  # WatchdogSec; for the others a minute


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Daemon]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                daemon(tmp_path_factory.mktemp(name), config, watchdog=_BASE.get(name, 60.0))
            )
            for name, config in ARRANGEMENTS.items()
        }


def intervals(notes: list[Note]) -> list[float]:
    """The watchdog intervals that systemd was told, in seconds."""
    return [int(n.text.removeprefix("WATCHDOG_USEC=")) / 1e6 for n in notes if "WATCHDOG_USEC" in n.text]


def pings(notes: list[Note]) -> list[Note]:
    """Everything that pays the watchdog."""
    return [note for note in notes if "WATCHDOG=" in note.text]


def heard_until(rig: Daemon, pattern: str, since: int = 0) -> list[Note]:
    """What systemd was told from datagram `since` up to the first that matches."""
    return rig.notes[since : rig.note(pattern, since=since).number + 1]


def test_ready_comes_before_any_frame(daemons: dict[str, Daemon]) -> None:
    """READY=1 waits for no camera: it is the first thing that systemd hears."""
    rig = daemons["story"]
    started = rig.event("camera.started")

    assert rig.notes[0].text == "READY=1"
    assert rig.notes[0].at < started.at - 1


def test_the_start_has_a_lease_of_its_own(daemons: dict[str, Daemon]) -> None:
    """Until the first frames there is one lease and no ping; then the steady interval and a ping."""
    rig = daemons["story"]
    heard = heard_until(rig, "WATCHDOG=1")
    lease, steady = intervals(heard)

    assert lease > 100 > steady == 60
    assert [note.text for note in heard[-2:]] == ["WATCHDOG_USEC=60000000", "WATCHDOG=1"]


def test_an_incident_has_exactly_one_lease_and_no_ping(daemons: dict[str, Daemon]) -> None:
    """From the fault to the proof of recovery systemd hears one lease, no ping, then the steady interval."""
    rig = daemons["story"]
    fault, recovery = rig.event("alert.capture_failure"), rig.event("alert.recovery")
    rig.note("WATCHDOG_USEC=60000000", since=_first_after(rig, recovery.at - 0.5))
    during = [note for note in rig.notes if fault.at - 0.5 < note.at < recovery.at + 1.5]
    leases = intervals(during)

    assert (2, 60.0) == (len(leases), leases[1])
    assert leases[0] > 60
    assert [] == [ping for ping in pings(during) if fault.at + 0.05 < ping.at < recovery.at - 0.05]


def _first_after(rig: Daemon, at: float) -> int:
    return next(note.number for note in rig.notes if note.at >= at)


def test_the_lease_is_what_the_rungs_may_take(daemons: dict[str, Daemon]) -> None:
    """The lease of a stall: every attempt of the table at its bound, and ten seconds for a busy machine."""
    rig = daemons["story"]
    fault = rig.event("alert.capture_failure")
    lease = intervals(heard_until(rig, "WATCHDOG_USEC", since=_first_after(rig, fault.at - 0.05)))[-1]
    stream = 30 + 1.5
    worker = (
        2 * (20 + 60 + 4 + 2.5) + 0.5 + 1.0
    )  # reaping, importing, opening, settling; the backoff doubles
    reset = 1 + (20 + 20) + (20 + 60 + 4) + 10  # the worker's end, the reset, then as above

    assert lease == pytest.approx(stream + worker + reset + 10, abs=0.5)


def test_a_hiccup_takes_no_lease(daemons: dict[str, Daemon]) -> None:
    """Failed captures below the limit change nothing for systemd but the pause between pings."""
    rig = daemons["story"]
    hiccup = rig.event("camera.hiccup_ended")
    fault = rig.event("alert.capture_failure")
    between = [note for note in rig.notes if hiccup.at - 1.5 < note.at < fault.at - 0.05]

    assert [] == intervals(between)


def test_every_exhausted_round_has_one_lease(daemons: dict[str, Daemon]) -> None:
    """When the ladder is spent each further round is a move, with one lease; nothing pings meanwhile."""
    rig = daemons["spent"]
    rounds = [rig.event("ladder.waiting")]
    for _ in range(3):
        rounds.append(rig.event("ladder.waiting", since=rounds[-1].number + 1))
    first_round = rig.event("alert.critical")
    last_round = rounds[-1]
    heard = [note for note in rig.notes if first_round.at - 0.1 < note.at < last_round.at - 0.05]
    waits = [line for line in rounds if first_round.at <= line.at < last_round.at]

    assert len(intervals(heard)) == len(waits)
    assert [] == pings(
        [note for note in rig.notes if note.at > rig.event("alert.capture_failure").at + 0.05]
    )


def test_critical_is_said_once(daemons: dict[str, Daemon]) -> None:
    """CAMERA_CRITICAL is an alert of its own, once per incident, however many rounds follow."""
    rig = daemons["spent"]
    critical = rig.event("alert.critical")
    rig.event("ladder.attempt_failed", since=critical.number)

    assert critical["message"].startswith("CAMERA_CRITICAL: cam0: worker-exited: ")
    assert len(rig.told("alert.critical")) == 1


def test_every_required_camera_must_pay(daemons: dict[str, Daemon]) -> None:
    """One dead required camera: no ping, however well the other does."""
    rig = daemons["one-dead"]
    rig.event("camera.summary", since=rig.event("alert.connection_error").number)

    assert rig.told("camera.started", camera="good")
    assert [] == pings(rig.notes)


def test_an_optional_camera_does_not_matter(daemons: dict[str, Daemon]) -> None:
    """A dead optional camera takes no lease and stops no ping."""
    rig = daemons["optional-dead"]
    rig.event("alert.connection_error", camera="dead")
    rig.note("WATCHDOG=1")

    assert len(intervals(rig.notes)) == 2  # the start's lease and the steady interval


def test_without_a_required_camera_the_loop_renews(daemons: dict[str, Daemon]) -> None:
    """No camera is required: WATCHDOG_USEC= is renewed by progress of the loop, every quarter of it or little later,
    and nothing ever pings."""
    rig, interval = daemons["none-required"], "WATCHDOG_USEC=4000000$"
    renewed = [rig.note(interval)]
    for _ in range(5):
        renewed.append(rig.note(interval, since=renewed[-1].number + 1))
    gaps = [b.at - a.at for a, b in pairwise(renewed)]

    assert [] == pings(rig.notes)
    assert max(gaps) < 0.7 * _RENEWED
    assert sum(gaps) > len(gaps) * 0.2 * _RENEWED


def test_a_ping_is_a_datagram_of_its_own(daemons: dict[str, Daemon]) -> None:
    """Nothing travels with WATCHDOG=1, and nothing but it is a ping."""
    for rig in daemons.values():
        rig.event("camera.summary")
        assert {"WATCHDOG=1"} >= {note.text for note in pings(rig.notes)}


# --- the status line --------------------------------------------------------------------------------------


def statuses(rig: Daemon) -> list[Note]:
    return [note for note in rig.notes if note.text.startswith("STATUS=")]


def test_a_status_is_short_and_plain(daemons: dict[str, Daemon]) -> None:
    """Printable ASCII on one line, at most 200 characters."""
    for rig in daemons.values():
        rig.event("camera.summary")
        for note in statuses(rig):
            assert re.fullmatch(r"STATUS=[ -~]{1,200}", note.text)


def test_a_status_that_only_counts_on_comes_once_a_second(daemons: dict[str, Daemon]) -> None:
    """What differs in running numbers alone is said at most once a second; when all is well, every five."""
    for rig in daemons.values():
        rig.event("camera.summary")
        for one, two in pairwise(statuses(rig)):
            if _without_numbers(one.text) == _without_numbers(two.text):
                assert two.at - one.at > 0.9, (one, two)


def _without_numbers(text: str) -> str:
    return re.sub(r"[\d.e-]+ (s|min|h|fps)\b", "#", text)


@pytest.mark.parametrize(
    "pattern",
    [
        r"cam0 starting \(opening\)",
        r"cam0 EXCELLENT 100/100, [\d.]+ fps, last frame [\d.e-]+ s ago$",
        r"cam0 EXCELLENT 90/100: a capture failed, trying again",
        r"cam0 RECOVERING 80/100: frames-stopped; restart-stream 1/1 done, waiting for frames, [\d.]+ s left",
        r"cam0 RECOVERING 70/100: frames-stopped; restart-worker 1/2 in [\d.]+ s",
        r"cam0 EXCELLENT 100/100, .* ago; 1 recovery in 24 h \(last: restart-worker, [\d.e-]+ s ago\)$",
    ],
)
def test_the_status_tells_the_story(daemons: dict[str, Daemon], pattern: str) -> None:
    """In trouble the line names the rung and what comes next, and when; afterwards what helped."""
    assert daemons["story"].status(pattern)


def test_the_status_of_a_spent_ladder_says_so(daemons: dict[str, Daemon]) -> None:
    """What is repeated beyond the ladder is no attempt of so many."""
    assert daemons["spent"].status(r"worker-exited; restart-worker again in [\d.]+ s")
