# SPDX-License-Identifier: MIT
"""Owns the rules of fault scripts, without a camera and without waiting: time and frames are arguments."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from camwatchd.cameras.script import Memory, Script, active, advance, cure, fresh, remembers, spend, stalls
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import from_plain, to_plain
from camwatchd.core.settings import ScriptedFault

OPENED = 1000.0
BOOT = "4b6d1a52"


def fault(kind: str = "stall", **keys: object) -> ScriptedFault:
    return ScriptedFault(kind=kind, **keys)  # type: ignore[arg-type]


def seen(*script: ScriptedFault, after: float = 0.0, frames: int = 0) -> tuple[int, ...]:
    """What is active so long after the first open, nobody having looked before."""
    memory = replace(fresh(script, BOOT, OPENED), frames=frames)
    return active(script, advance(script, memory, OPENED + after))


@pytest.mark.parametrize(
    ("keys", "after", "frames", "expected"),
    [
        ({}, 0.0, 0, (0,)),
        ({"at": 5.0}, 4.9, 999, ()),
        ({"at": 5.0}, 5.0, 0, (0,)),
        ({"at": 5.0, "duration": 2.0}, 6.9, 0, (0,)),
        ({"at": 5.0, "duration": 2.0}, 7.0, 0, ()),
        ({"at_frame": 30}, 999.0, 29, ()),
        ({"at_frame": 30}, 0.0, 30, (0,)),
        ({"at": 5.0, "at_frame": 30}, 1.0, 30, (0,)),
        ({"at": 5.0, "at_frame": 30}, 5.0, 0, (0,)),
    ],
)
def test_fault_begins_and_ends_as_scripted(
    keys: dict[str, Any], after: float, frames: int, expected: tuple[int, ...]
) -> None:
    """A fault begins at its time or its frame, whichever comes first, and lasts its duration or for ever."""
    assert seen(fault(**keys), after=after, frames=frames) == expected


def test_duration_counts_from_the_scripted_time() -> None:
    """A fault whose time passes while no worker runs is over when the next one looks."""
    assert seen(fault(at=5.0, duration=2.0), after=60.0) == ()


def test_faults_overlap() -> None:
    """Several faults are active together, each with its own end."""
    script = (
        fault("frozen", at=1.0, duration=9.0),
        fault("slow", at=2.0, duration=1.0),
        fault("black", at=3.0),
    )

    assert seen(*script, after=2.5) == (0, 1)
    assert seen(*script, after=3.5) == (0, 2)


@pytest.mark.parametrize("until", list(Rung))
@pytest.mark.parametrize("applied", list(Rung))
def test_rung_cures_what_it_or_a_weaker_one_cures(until: Rung, applied: Rung) -> None:
    """`until` names the weakest rung that ends the fault."""
    script = (fault(until=until),)
    memory = cure(script, advance(script, fresh(script, BOOT, OPENED), OPENED), applied)

    assert (active(script, memory) == ()) == (applied.height >= until.height)


def test_cure_does_not_prevent() -> None:
    """A remedy applied before the fault began changes nothing; what was cured does not return."""
    script = (fault(at=5.0, until=Rung.RESTART_STREAM),)
    memory = cure(script, fresh(script, BOOT, OPENED), Rung.REBOOT)
    memory = advance(script, memory, OPENED + 5.0)
    assert active(script, memory) == (0,)

    memory = cure(script, memory, Rung.RESTART_STREAM)
    assert active(script, advance(script, memory, OPENED + 50.0)) == ()


def test_fault_without_end_survives_every_remedy() -> None:
    """Without `duration` and `until` a fault lasts for ever."""
    script = (fault("missing"),)
    memory = advance(script, fresh(script, BOOT, OPENED), OPENED)
    for rung in Rung:
        memory = cure(script, memory, rung)

    assert active(script, advance(script, memory, OPENED + 1e9)) == (0,)


@pytest.mark.parametrize(
    ("cue", "again"),
    [
        (fault("crash"), False),
        (fault("stderr", message="a line of no consequence"), False),
        (fault("crash", duration=60.0), True),
        (fault("garbage", until=Rung.RESTART_WORKER), True),
        (fault("stderr", message="Camera frontend has timed out!"), True),
    ],
)
def test_cue_is_given_once_unless_it_lasts(cue: ScriptedFault, again: bool) -> None:
    """A crash happens once; one that lasts strikes every stream until it ends, and so does a front-end time-out."""
    memory = spend((cue,), advance((cue,), fresh((cue,), BOOT, OPENED), OPENED), 0)

    assert (active((cue,), memory) == (0,)) == again


def test_what_stops_the_frames() -> None:
    """No frames come while stalled, unplugged, or after libcamera's front end has timed out."""
    silent = [fault("stall"), fault("gone"), fault("stderr", message="Camera frontend has timed out!")]
    others = [fault("stderr", message="Failed to queue buffer"), fault("frozen"), fault("slow", amount=3.0)]

    assert [stalls(one) for one in silent + others] == [True] * 3 + [False] * 3


def test_memory_belongs_to_one_boot_and_one_script() -> None:
    """A reboot or a changed script starts from the beginning."""
    script = (fault(at=5.0),)
    memory = fresh(script, BOOT, OPENED)

    assert remembers(memory, script, BOOT)
    assert not remembers(memory, script, "another boot")
    assert not remembers(memory, (fault(at=6.0),), BOOT)
    assert not remembers(memory, (*script, *script), BOOT)


times = some.floats(0.0, 100.0)
faults = some.builds(
    ScriptedFault,
    kind=some.sampled_from(["stall", "crash", "stderr", "frozen", "hang"]),
    at=some.none() | times,
    at_frame=some.none() | some.integers(0, 100),
    duration=some.none() | times,
    until=some.none() | some.sampled_from(list(Rung)),
    message=some.sampled_from(["", "Camera frontend has timed out!"]),
)
scripts = some.lists(faults, max_size=4).map(tuple)
moves = some.lists(some.tuples(times, some.integers(0, 10), some.none() | some.sampled_from(list(Rung))))


@given(scripts, moves)
def test_memory_never_turns_back(script: Script, story: list[tuple[float, int, Rung | None]]) -> None:
    """Whatever happens: what began stays begun, what is over stays over, and looking twice changes nothing."""
    memory, now = fresh(script, BOOT, OPENED), OPENED
    for seconds, frames, rung in story:
        before, now = memory, now + seconds
        memory = advance(script, replace(memory, frames=memory.frames + frames), now)
        assert advance(script, memory, now) is memory
        memory = cure(script, memory, rung) if rung else memory
        for index in active(script, memory):
            memory = spend(script, memory, index) if script[index].kind == "crash" else memory
        for old, new in zip(before.faults, memory.faults, strict=True):
            assert new.began == old.began or old.began is None
            assert new.over or not old.over


@given(scripts, times, some.integers(0, 200))
def test_memory_survives_the_disk(script: Script, seconds: float, frames: int) -> None:
    """What was written as JSON is the same memory when it is read."""
    memory = advance(script, replace(fresh(script, BOOT, OPENED), frames=frames), OPENED + seconds)

    assert from_plain(Memory, json.loads(json.dumps(to_plain(memory)))) == memory
