# SPDX-License-Identifier: MIT
"""Whether a service that hangs at every start reaches systemd's start limit, and what breaks that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import arithmetic, escalation, settings
from camwatchd.core.arithmetic import START_LIMIT_INTERVAL, between_starts, total
from camwatchd.core.budget import BURST
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.lease import IN_PROCESS
from camwatchd.core.settings import CameraSettings, Reboot, Settings, Supervision
from camwatchd.core.state import Policy


def given_settings(
    *cameras: CameraSettings, mode: Any = "armed", rungs: Mapping[Rung, Any] | None = None, **rules: Any
) -> Settings:
    """Settings with these numbers; without cameras, the one of the defaults."""
    ladder = tuple(replace(row, **(rungs or {}).get(row.rung, {})) for row in LADDER)
    chosen = cameras or Settings().cameras
    return Settings(
        supervision=Supervision(**rules), ladder=ladder, reboot=Reboot(mode=mode), cameras=chosen
    )


def parts(of: Settings) -> dict[str, float]:
    """The sum's parts by name."""
    return {part.name: part.seconds for part in between_starts(of)}


def refusals(of: Settings) -> list[settings.Contradiction]:
    """What the whole configuration is refused for."""
    return settings.contradictions(of)


def test_the_defaults_fit_with_a_margin() -> None:
    """With the default table, starts that all hang as long as they may take four fifths of the interval at most."""
    taken = BURST * total(between_starts(Settings()))
    print(f"{taken:.0f} s of {START_LIMIT_INTERVAL:.0f} s, margin {1 - taken / START_LIMIT_INTERVAL:.0%}")

    assert taken <= 0.8 * START_LIMIT_INTERVAL
    assert [] == refusals(Settings())


def test_the_parts_of_the_defaults() -> None:
    """The unit's times, the first worker (20 + 60 + 50 + 15 s and a margin of 10) and each rung with its backoff."""
    assert {
        "until READY": 60.0,
        "first worker of cam0": 155.0,
        "restart-stream": 2 * (30 + 5.0),
        "restart-worker": 2 + 4 + 8 + 3 * (20 + 60 + 50 + 10.0),
        "reset-device": 2 + (20 + 20) + (20 + 60 + 50) + 10.0,
        "until a hanging daemon is given up": 55.0,
        "RestartSec": 15.0,
    } == parts(Settings())


@given(
    attempts=st.integers(1, 100),
    settle=st.floats(0.1, 600),
    rate=st.none() | st.floats(0.001, 1000),
    rules=st.builds(
        Supervision,
        import_timeout=st.floats(1, 600),
        first_frame_timeout=st.floats(1, 600),
        recovery_cooldown=st.floats(0.1, 3600),
    ),
)
def test_the_sum_is_the_lease_that_a_start_is_given(
    attempts: int, settle: float, rate: float | None, rules: Supervision
) -> None:
    """What escalation.begin asks systemd for, plus the unit's own times, is the sum of the parts."""
    rungs = {Rung.RESTART_WORKER: {"attempts": attempts, "settle": settle}}
    chosen = replace(given_settings(CameraSettings(frame_rate=rate), rungs=rungs), supervision=rules)
    policy = Policy(supervision=chosen.supervision, ladder=chosen.ladder)
    state, _ = escalation.begin(policy, 0.0, 1 / rate if rate else 1 / 30)

    assert pytest.approx(60 + state.lease_until + 55 + 15) == total(between_starts(chosen))


def test_a_ladder_that_takes_too_long_is_refused_with_its_sum() -> None:
    """The refusal names what each part takes, the sum, what it had to fit into, and the key that drives it."""
    (refused,) = refusals(given_settings(import_timeout=300))

    assert ("supervision.import_timeout",) == refused.keys
    assert (
        "4 starts that hang to fit into systemd's start limit of 5100 s; each may take 60 s until READY + 395 s "
        "first worker of cam0 + 70 s restart-stream + 1154 s restart-worker + 422 s reset-device + 55 s until a "
        "hanging daemon is given up + 15 s RestartSec = 2171 s, together 8684 s"
    ) == refused.expected
    assert '[reboot] mode = "off"' in refused.hint


def test_the_key_that_does_most_is_blamed_first() -> None:
    """Keys that lengthen the sum, in the order of what their defaults would save; those that do not are left out."""
    rungs = {Rung.RESTART_STREAM: {"attempts": 1, "timeout": 31}, Rung.RESTART_WORKER: {"attempts": 9}}
    (refused,) = refusals(given_settings(rungs=rungs, import_timeout=61, no_frame_timeout=600))

    assert (
        "ladder.restart-worker.attempts",
        "supervision.import_timeout",
        "ladder.restart-stream.timeout",
    ) == refused.keys


def test_two_keys_that_hide_each_other_still_have_a_name() -> None:
    """Where no single default would help, the refusal names the mode that needs the sum to be right."""
    rungs = {rung: {"settle": 600} for rung in IN_PROCESS}
    slow = CameraSettings(frame_rate=0.01)
    (refused,) = refusals(given_settings(slow, rungs=rungs, first_frame_timeout=600))

    assert ("reboot.mode",) == refused.keys


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_without_reboots_any_ladder_is_accepted(mode: str) -> None:
    """Where nobody reboots, nothing needs to reach the start limit."""
    assert [] == refusals(given_settings(mode=mode, import_timeout=600))


def test_an_optional_camera_is_not_in_the_sum() -> None:
    """Only cameras that are required lengthen the watchdog's lease; without any, nothing is to be summed up."""
    slow = CameraSettings(name="slow", frame_rate=0.01, required=False, index=1)

    assert [] == refusals(given_settings(slow, import_timeout=600))
    assert between_starts(Settings()) == between_starts(given_settings(CameraSettings(), slow))


def test_the_slowest_required_camera_counts() -> None:
    """A camera with frames of 100 s needs six of them to prove itself, and is named in the refusal."""
    slow = CameraSettings(name="slow", frame_rate=0.01, index=1)
    (refused,) = refusals(given_settings(CameraSettings(), slow))

    assert ("camera.slow.frame_rate",) == refused.keys
    assert "740 s first worker of slow + 1260 s restart-stream" in refused.expected


def test_exactly_the_interval_is_enough() -> None:
    """The limit itself fits, and a second more for each start does not."""
    room = START_LIMIT_INTERVAL / BURST - total(between_starts(Settings()))
    just = Supervision().first_frame_timeout + room

    assert [] == arithmetic.contradictions(given_settings(first_frame_timeout=just))
    assert [] != arithmetic.contradictions(given_settings(first_frame_timeout=just + 1))
