# SPDX-License-Identifier: MIT
"""Owns the proof that the device behind a USB camera is reset when nothing weaker helps, by a helper that may hang."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.adapters.ledger_dump import read
from camwatchd.control.protocol import Pause, Resume
from tests.process.daemon import QUICK, Daemon, await_end, camera, daemon
from tests.process.leaving import ask
from tests.process.side_by_side import SideBySide

together = SideBySide()
start = together.from_the_start()

RESET = "reset-device"
_STALL = {"kind": "stall", "at": 1.5, "until": RESET}
# A hanging worker takes seconds to end: where that is of no interest, one attempt of each rung below is enough.
_ONE_EACH = QUICK.replace("attempts = 2", "attempts = 1").replace("settle = 1.5", "settle = 0.5")
_NUMBERS = """
[ladder.reset-device]
timeout = 6
settle = 2.5
backoff = 0.1
"""
CAMERAS = (
    camera("wedged", _STALL),
    camera("hanging", _STALL, {"kind": "reset-hangs"}),
    camera("refusing", _STALL, {"kind": "reset-refused"}),
    camera("unplugged", {"kind": "gone", "at": 1.5, "duration": 18}, {"kind": "reset-refused"}),
    camera("csi", {"kind": "stall", "at": 1.5}),
    camera("never", {"kind": "missing", "until": RESET}),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("desk"), "".join([QUICK, _NUMBERS, *CAMERAS])) as rig:
        yield rig


def _is_helper(arguments: list[str]) -> bool:
    return "camwatchd.usb_reset" in arguments


def _helper(rig: Daemon) -> int:
    """The only helper, as soon as it is executed."""
    return rig.only(lambda: {pid for pid, arguments in rig.processes().items() if _is_helper(arguments)})


def _rungs(desk: Daemon, name: str) -> list[str]:
    return [line["rung"] for line in desk.told("ladder.action_started", camera=name)]


def test_a_wedged_camera_is_cured(desk: Daemon) -> None:
    """After stream and worker its device is reset; the frames of a worker executed afterwards end the incident."""
    recovery = desk.event("alert.recovery", camera="wedged")
    reset = desk.event("device.reset", camera="wedged")
    opened = desk.event("camera.opened", camera="wedged", since=reset.number)

    assert (RESET, 1, 100) == (recovery["rung"], recovery["attempt"], recovery["health_score"])
    assert ["restart-stream", "restart-worker", "restart-worker", RESET] == _rungs(desk, "wedged")
    assert opened.number < recovery.number
    assert "simulated:wedged" == opened["usb"]
    assert "a fresh worker shows" in reset["message"]


def test_the_worker_is_gone_before_the_reset(desk: Daemon) -> None:
    """Its last word comes before the device is touched, and nobody opens the camera until that is over."""
    reset = desk.event("device.reset", camera="wedged")
    ordered = desk.event("ladder.action_started", camera="wedged", rung=RESET)
    between = [
        line for line in desk.lines[ordered.number : reset.number] if line.facts.get("camera") == "wedged"
    ]

    assert [] == [line for line in between if line["event"] in ("camera.opened", "worker.starting")]
    assert [line for line in between if line["event"] == "worker.signalled"]


def test_a_hanging_helper_is_an_outcome(desk: Daemon) -> None:
    """After the rung's time-out the attempt has failed; the helper is killed, and the ladder goes on."""
    failed = desk.event("ladder.attempt_failed", camera="hanging", rung=RESET)
    desk.event("ladder.waiting", camera="hanging", since=failed.number)
    for pid, arguments in desk.processes().items():
        if _is_helper(arguments):
            await_end(pid)  # its SIGKILL was sent before the ladder went on

    assert "did not return within 6 s" in failed["reason"]
    assert failed["seconds"] < 6 + 5


def test_a_refusal_names_the_file(desk: Daemon) -> None:
    """What may not be opened is named, and what should have allowed it."""
    failed = desk.event("ladder.attempt_failed", camera="refusing", rung=RESET)

    assert "usb-refusing may not be opened for writing: Permission denied" in failed["reason"]
    assert "60-camwatchd.rules" in failed["reason"]


def test_an_unplugged_device_is_not_applicable(desk: Daemon) -> None:
    """The helper finds nothing at the old place: told once, no failed attempt; plugged in again, it recovers."""
    skipped = desk.event("ladder.skipped", camera="unplugged")
    desk.event("alert.recovery", camera="unplugged")

    assert "unplugged" in skipped["reason"]
    assert [] == desk.told("ladder.attempt_failed", camera="unplugged", rung=RESET)
    assert 1 == len(desk.told("ladder.skipped", camera="unplugged"))


@pytest.mark.parametrize(("name", "reason"), [("csi", "not on USB"), ("never", "not opened yet")])
def test_without_usb_it_is_skipped_at_once(desk: Daemon, name: str, reason: str) -> None:
    """One word, and in the same moment the next remedy: the camera's worker is not even ended for it."""
    skipped = desk.event("ladder.skipped", camera=name)
    following = desk.event("ladder.waiting", camera=name, since=skipped.number)

    assert reason in skipped["reason"]
    assert "info" == skipped["level"]
    assert following["monotonic"] - skipped["monotonic"] < 0.1
    assert RESET not in _rungs(desk, name)
    desk.event("ladder.attempt_failed", camera=name, since=following.number)
    assert 1 == len(desk.told("ladder.skipped", camera=name))


def test_it_is_in_the_ledger(desk: Daemon) -> None:
    """What was skipped stands among the incident's steps, with its reason."""
    desk.event("alert.recovery", camera="unplugged")
    ledger = read(Path(desk.directory, "state"))
    steps = [step for incident in ledger["incidents"] for step in incident["steps"] if step["rung"] == RESET]

    assert "not-applicable" in {step["outcome"] for step in steps}


@together
def test_nothing_is_reset_on_the_way_out(tmp_path: Path) -> None:
    """A daemon that is stopped while it ends the worker for a reset is down in time, and the device is left alone."""
    stubborn = {"kind": "hang", "at": 1.5, "until": RESET, "refuse_signals": True}
    with daemon(tmp_path, _ONE_EACH + camera("stubborn", stubborn)) as rig:
        rig.event("ladder.action_started", rung=RESET)
        rig.stop()
        assert [] == rig.told("device.reset")
        assert not list(tmp_path.rglob("usb-stubborn.reset"))


@together
def test_a_helper_dies_with_its_supervisor(tmp_path: Path) -> None:
    """Whoever asked for the reset is killed: nobody is left behind."""
    with daemon(tmp_path, _ONE_EACH + camera("hanging", _STALL, {"kind": "reset-hangs"})) as rig:
        rig.event("ladder.action_started", rung=RESET)
        helper = _helper(rig)
        rig.process.kill()
        await_end(helper)


@together
def test_a_pause_ends_a_reset_under_way(tmp_path: Path) -> None:
    """The operator gets the camera, and the helper that hangs is killed; resumed, the camera is taken anew."""
    patient = "[ladder.reset-device]\ntimeout = 600\n"
    config = _ONE_EACH.replace("[supervision]", '[reboot]\nmode = "off"\n[supervision]') + patient
    with daemon(tmp_path, config + camera("hanging", _STALL, {"kind": "reset-hangs"})) as rig:
        ordered = rig.event("ladder.action_started", rung=RESET)
        helper = _helper(rig)
        ask(tmp_path, Pause(60.0))
        await_end(helper)
        ask(tmp_path, Resume())
        rig.event("camera.opened", since=ordered.number)

    assert [] == rig.told("ladder.attempt_failed", rung=RESET)
