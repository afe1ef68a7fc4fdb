# SPDX-License-Identifier: MIT
"""What a restart of the service finds again is all that was kept in this boot, and nothing from any other."""

import json
import os
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given

from camwatchd.adapters import rundir
from camwatchd.adapters.rundir import NAME, Controls, Kept
from camwatchd.core.events import Event
from camwatchd.core.plain import from_plain, to_plain
from camwatchd.core.state import Policy, State
from tests.core.histories import histories, policies, tell
from tests.core.storyboard import parked, spent

BOOT = "3f0c7c1e-8f0e-4c8e-9d5f-0b1f6f1a2b3c"
FULL = Kept(
    boot=BOOT, starts=(1.0, 90.5), restarts=(90.5,), intent="reboot for cam0: frames-stopped",
    incidents={"cam0": spent().state, "cam1": parked().state}, paused={"cam2": 4000.25},
    controls={"cam0": Controls(table={"AeEnable": False}, kept={"ColourGains": [1.5, 2.0]})},
)  # fmt: skip


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    """Every field comes back as it was, incidents in all their detail."""
    assert rundir.save(str(tmp_path), FULL) == ""
    assert rundir.load(str(tmp_path), BOOT) == FULL
    assert all(getattr(FULL, field.name) for field in fields(Kept))


@given(policies, histories)
def test_every_state_survives_a_restart(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """Wherever an incident is left, JSON has room for it: no infinity, nothing that is no plain value."""
    for _, _, _, state, _ in tell(policy, history)[-1:]:
        text = json.dumps(to_plain(state), allow_nan=False)
        assert from_plain(State, json.loads(text)) == state


def test_another_boot_finds_nothing(tmp_path: Path) -> None:
    """A runtime directory that outlives a boot must not carry an intent into the next: that would be a loop."""
    rundir.save(str(tmp_path), FULL)

    assert rundir.load(str(tmp_path), "another") == Kept(boot="another")


_DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"boot": 1}', _DEEP.encode(), b'{"boot": "", "more": 1}',
        json.dumps({"boot": BOOT, "starts": [1.0, "x"]}).encode(),
        json.dumps({"boot": BOOT, "starts": [float("inf")]}).encode(),
        json.dumps({"boot": BOOT, "intent": None}).encode(),
        json.dumps({"boot": BOOT, "intent": "x", "incidents": {"cam0": {"phase": "asleep"}}}).encode(),
    ],
)  # fmt: skip
def test_what_is_damaged_keeps_nothing(tmp_path: Path, content: bytes) -> None:
    """Half a file, or one of somebody else, is no reason to leave, to wait or to die."""
    (tmp_path / NAME).write_bytes(content)

    assert rundir.load(str(tmp_path), BOOT) == Kept(boot=BOOT)


def test_a_file_that_cannot_be_read_keeps_nothing(tmp_path: Path) -> None:
    """The first start of a boot finds no file; a folder in its place is no better."""
    nothing = rundir.load(str(tmp_path), BOOT)
    (tmp_path / NAME).mkdir()

    assert nothing == rundir.load(str(tmp_path), BOOT) == Kept(boot=BOOT)


def test_what_cannot_be_written_is_said_and_leaves_the_old(tmp_path: Path) -> None:
    """The reason names the file; what was kept before is still there, whole."""
    rundir.save(str(tmp_path), FULL)
    (tmp_path / NAME).with_suffix(".new").mkdir()
    trouble = rundir.save(str(tmp_path), replace(FULL, intent=""))

    assert trouble == f"{tmp_path / NAME} cannot be written: {os.strerror(21)}"
    assert rundir.load(str(tmp_path), BOOT) == FULL


def test_only_recent_starts_count() -> None:
    """A start, and a restart on purpose, count for one start-limit interval; this start always does."""
    kept = Kept(boot=BOOT, restarts=(10.0, 95.0))
    for now in (10.0, 95.0, 100.0):
        kept = kept.started(now)
    later = kept.recent(110.0, 100.0)

    assert later.starts == (95.0, 100.0)
    assert later.restarts == (95.0,)
    assert kept.recent(9999.0, 100.0).starts == (100.0,)


def test_a_service_that_is_started_for_ever_keeps_little() -> None:
    """The file stays small, whatever happens within one interval."""
    kept = Kept(boot=BOOT)
    for now in range(1000):
        kept = replace(kept.started(float(now)), restarts=(*kept.restarts, float(now))).recent(now, 1e6)

    assert len(kept.starts) == len(kept.restarts) == 100
    assert kept.starts[-1] == 999


def test_the_boot_is_the_kernels(tmp_path: Path) -> None:
    """The id of a boot is 36 characters without a newline, and the same each time; without one it is empty."""
    assert len(rundir.boot_id()) == 36
    assert rundir.boot_id() == rundir.boot_id()
    assert rundir.boot_id(tmp_path / "none") == ""
