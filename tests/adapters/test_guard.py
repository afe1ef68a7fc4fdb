# SPDX-License-Identifier: MIT
"""When the guard keeps systemd's start limit from rebooting, by the boots that were."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.guard_rig import Machine, boot_id, lines_of

HOUR = 3600.0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


def test_a_new_record_is_closed_until_a_camera_is_healthy(machine: Machine) -> None:
    """Who lost its record at each boot could reboot for ever: the first boot of a record needs health."""
    assert "missing" in machine.why
    assert "its record begins with this boot" in machine.start()
    machine.healthy()
    assert "may reboot this machine again" in machine.run("check")

    assert machine.why == ""


def test_a_record_of_an_earlier_boot_is_open(machine: Machine) -> None:
    """From the second boot on the record speaks for itself, whether or not a camera ever was healthy."""
    machine.start()
    machine.boot()

    assert machine.why == ""


# The last words of earlier boots, oldest first, the number of the healthy one, and the verdict by default limits.
HISTORIES = [
    (["watchdog"], 0, ""),
    (["watchdog", "signal"], 0, "the last 2 boots"),
    (["success", "exit-code", "timeout"], 0, "the last 2 boots"),
    (["watchdog", "watchdog", "watchdog"], 0, "the last 3 boots"),
    (["watchdog", "success", "watchdog"], 0, ""),  # an orderly end
    (["watchdog", "start", "watchdog"], 0, ""),  # the power went
    (["watchdog", "watchdog", "start"], 0, ""),
    (["watchdog", "killed"], 0, "the last 2 boots"),  # nobody could write down how its runs ended
    (["killed", "killed"], 0, "the last 2 boots"),
    (["watchdog", "watchdog"], 1, ""),  # the first of them was healthy
    (["watchdog", "watchdog"], 2, ""),
    (["watchdog", "watchdog", "watchdog"], 1, "the last 2 boots"),
    (["watchdog", "watchdog"], 3, ""),  # this one is
]


@pytest.mark.parametrize(("words", "healthy", "why"), HISTORIES)
def test_boots_without_health_close(machine: Machine, words: list[str], healthy: int, why: str) -> None:
    """max_boots_without_health boots in a row that failed, and none of them healthy, are enough."""
    machine.healthy(healthy)
    machine.history(*words)

    assert machine.why.startswith(why)
    assert bool(machine.why) == bool(why)


@pytest.mark.parametrize(
    "word", ["protocol", "timeout", "exit-code", "signal", "core-dump", "watchdog", "resources", "oom-kill"]
)
def test_every_result_but_success_is_a_failure(machine: Machine, word: str) -> None:
    """Whatever systemd calls the end of a run that was not ordered."""
    machine.history(word, word)

    assert "the last 2 boots" in machine.why


@pytest.mark.parametrize(
    ("most", "failed", "closed"), [(1, 1, True), (3, 2, False), (3, 3, True), (10, 9, False)]
)
def test_the_number_of_boots_is_configured(machine: Machine, most: int, failed: int, closed: bool) -> None:
    """max_boots_without_health is read from the configuration; the other limits are out of the way."""
    machine.configure(
        f"[reboot]\nmax_boots_without_health = {most}\nmax_reboots_per_day = 99\nmax_reboots_per_week = 99"
    )
    machine.history(*["watchdog"] * failed)

    assert bool(machine.why) == closed


def test_the_daily_limit_closes_even_where_health_came_back(machine: Machine) -> None:
    """Four failed boots within 24 powered-on hours are enough; when the first of them is older, it opens again."""
    machine.healthy(4)
    machine.history(*["watchdog"] * 4, lasting=4 * HOUR)
    assert "4 boots of 24 powered-on hours" in machine.why
    machine.start()
    machine.uptime += 12 * HOUR + 1  # then the first of them ended 24 h ago
    machine.run("check")

    assert machine.why == ""


def test_the_weekly_limit(machine: Machine) -> None:
    """Ten failed boots within 7 powered-on days close, however they lie apart."""
    machine.healthy(10)
    machine.history(*["watchdog"] * 10, lasting=13 * HOUR)

    assert "10 boots of 7 powered-on days" in machine.why


def test_no_reboot_at_all_is_a_limit_too(machine: Machine) -> None:
    """max_reboots_per_day = 0 closes without any failure."""
    machine.configure("[reboot]\nmax_reboots_per_day = 0")
    machine.history("success")

    assert "max_reboots_per_day = 0" in machine.why


def test_only_differences_within_a_boot_count(machine: Machine) -> None:
    """In a container the uptime goes on over its boots: hours of the host's are no powered-on hours of ours."""
    machine.healthy(4)
    for _ in range(4):
        machine.uptime += 1000 * HOUR
        machine.start()
        machine.uptime += 10
        machine.stop("watchdog")
        machine.boot()

    assert "4 boots of 24 powered-on hours" in machine.why


def expected(words: list[tuple[str, float]], healthy: int, now: float) -> bool:
    """Whether it is closed, said once more in other words: (last word, hours that it lasted) of each boot."""
    failed = [word not in ("start", "success") for word, _ in words]
    tail = 0
    while tail < len(words) and failed[-1 - tail] and len(words) - tail != healthy:
        tail += 1
    ages = [now + sum(hours for _, hours in words[i + 1 :]) for i in range(len(words))]
    day = sum(fail and age < 24 for fail, age in zip(failed, ages, strict=True))
    week = sum(fail and age < 168 for fail, age in zip(failed, ages, strict=True))
    return (tail >= 2 and healthy != len(words) + 1) or day >= 4 or week >= 10


WORDS = st.sampled_from(["start", "success", "watchdog", "exit-code", "killed"])
BOOTS = st.lists(st.tuples(WORDS, st.integers(0, 30)), min_size=1, max_size=14)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("shared") / "root")


@settings(deadline=None, max_examples=60)
@given(words=BOOTS, healthy=st.integers(0, 15), now=st.integers(0, 30))
def test_any_history(shared: Machine, words: list[tuple[str, float]], healthy: int, now: int) -> None:
    """The verdict is what the rules say, whatever boots there were and whichever of them was healthy."""
    present = len(words) + 1
    boots = [*words, ("start", 0.0)]
    lines = [lines_of(n, word, 60.5, 60.5 + h * HOUR) for n, (word, h) in enumerate(boots, 1)]
    shared.file.write_text("".join(lines))
    shared.healthy(min(healthy, present))
    shared.uptime = 60.5 + now * HOUR
    shared.boots = present - 1
    shared.boot()

    assert bool(shared.why) == expected(words, min(healthy, present), now)


def test_the_record_is_bounded(machine: Machine) -> None:
    """Of each boot its first and its last line are kept, of 200 boots, and the verdict stays what it was."""
    machine.history("watchdog")
    many = "".join(f"{boot_id(1)} start {10 + n}\n{boot_id(1)} success {10 + n}.5\n" for n in range(300))
    machine.file.write_text(f"{many}{boot_id(2)} start 10.00\n{boot_id(2)} watchdog 20.00\n")
    machine.boot()
    machine.start()

    assert [
        "1 start 10",
        "1 success 309.5",
        "2 start 10.00",
        "2 watchdog 20.00",
        "3 start 10.00",
    ] == machine.lines
    assert machine.why == ""


def test_shortening_keeps_that_a_boot_saw_failures(machine: Machine) -> None:
    """A boot whose runs were killed unrecorded ended in a failure, also when only two of its lines are left."""
    many = "".join(f"{boot_id(1)} start {10 + n}\n" for n in range(300))
    more = "".join(f"{boot_id(2)} start {10 + n}\n{boot_id(2)} signal {10 + n}.5\n" for n in range(200))
    machine.file.write_text(f"{many}{more}{boot_id(2)} start 400\n")
    machine.boots = 2
    machine.boot()
    before = machine.why
    machine.start()
    machine.generate()

    assert ["1 start 10", "1 unrecorded 309", "1 start 309"] == machine.lines[:3]
    assert "the last 2 boots" in before
    assert before == machine.why


def test_the_oldest_boots_are_forgotten(machine: Machine) -> None:
    """A machine that boots 300 times keeps the last 200 of them."""
    machine.history(*["watchdog", "success"] * 150)
    machine.start()

    assert 400 >= len(machine.lines) >= 399
    assert "301 start 10.00" == machine.lines[-1]
