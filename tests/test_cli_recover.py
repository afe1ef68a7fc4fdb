# SPDX-License-Identifier: MIT
"""`recover` asks before it disturbs, follows what it ordered to its end, and its exit status says how that was."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from camwatchd import cli
from camwatchd.cli import following, recover
from camwatchd.control.facts import RecoverPlan
from camwatchd.control.protocol import RecoverFacts
from tests import schemas
from tests.control.rig import Running, camera
from tests.test_cli_control import daemon, run
from tests.test_cli_looking import ILL, LENT, PARKED, WELL, ctl, interrupted, line_with

__all__ = ["daemon"]  # the fixture

SPENT = (
    camera("cam0"),
    camera(
        "cam1",
        phase="backoff",
        is_critical=True,
        fault="not-found",
        next_action="restart-worker again in 29 s",
    ),
)
ASKS = (camera("cam0"), camera("cam1", phase="leaving", fault="not-found", next_action="asking whether"))


def test_recover_is_followed_to_its_end(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step is told once, whatever its seconds do; healthy in the end is 0."""
    step = replace(ILL[1], next_action="restart-stream 1/2 under way, 29 s left")
    daemon.daemon.cure = [
        ILL,
        (ILL[0], step),
        (ILL[0], camera("cam1", last_recovery="restart-stream", last_recovery_age=0.1)),
    ]
    status, out, err = run(capsys, "recover", "--camera", "cam1", "--rung", "restart-stream", "--yes")
    lines = [line.strip().partition(" s  ")[2] or line for line in out.splitlines()]

    assert (status, err) == (0, "")
    assert lines == [
        "cam1: restart-stream: as the test has it",
        "cam1: frames-stopped: restart-stream 1/2 under way, 30 s left",
        "cam1: healthy by restart-stream, 29.9 fps",
    ]
    assert [order[1:] for order in daemon.daemon.orders] == [(("cam1",), "restart-stream")]


def test_a_pause_ends_a_recovery(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever waits for it is told so, and how to get the camera back."""
    daemon.daemon.cure = [ILL, LENT]
    status, _, err = run(capsys, "recover", "--camera", "cam1", "--yes")

    assert (status, err.splitlines()) == (
        75,
        [
            "camwatchctl: cam1: paused, for 10 min more: its recovery was ended by that",
            "  hint: camwatchctl resume ends the pause and takes the camera again",
        ],
    )


@pytest.mark.parametrize(
    ("cure", "argv", "expected"),
    [
        ([ILL, PARKED], (), (3, "parked")), ([ILL], ("--timeout", "0.1"), (1, "under-way")),
        ([ASKS, ILL], ("--rung", "reboot"), (75, "refused")),
        ([ASKS, PARKED], ("--rung", "reboot"), (3, "parked")),
        ([ASKS, ILL], ("--rung", "restart-service"), (75, "refused")),
        ([ILL], ("--rung", "restart-worker", "--timeout", "0.1"), (1, "under-way")),
        ([SPENT], ("--timeout", "0.1"), (3, "critical")), ([LENT], (), (75, "paused")),
        ([ILL, LENT], (), (75, "paused")),
        ([WELL], (), (0, "healthy")), ([(camera("cam0"),)], (), (0, "gone")),
    ],
)  # fmt: skip
def test_how_a_recovery_ended_is_its_exit_status(
    cure: list[tuple[object, ...]], argv: tuple[str, ...], expected: tuple[int, str],
    daemon: Running, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Healthy, parked, out of time; as JSON it is one object."""
    daemon.daemon.cure = cure  # type: ignore[assignment]
    status, out, err = run(capsys, "recover", "--camera", "cam1", "--yes", "--json", *argv)
    document = json.loads(out)

    assert (status, document["ends"][0]["outcome"], err) == (*expected, "")
    assert [plan["camera"] for plan in document["plans"]] == ["cam1"]
    assert schemas.mistakes(document, "recover") + schemas.strangers(document, "recover") == []


def test_a_recovery_that_goes_on_is_said_to(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """When the time is over the last word is how it stands and what goes on; of a daemon that has died, too."""
    daemon.daemon.cure = [ILL]
    status, _, err = run(capsys, "recover", "--camera", "cam1", "--yes", "--timeout", "0.1")

    assert status == 1
    assert re.match(
        r"camwatchctl: cam1: not healthy after 0\.\d+ s: frames-stopped: .*; the recovery goes on\n", err
    )
    gone = following.End(camera="cam1", outcome="no-daemon", seconds=3.0, words="nobody listens")
    assert "not healthy after 3.0 s: nobody listens; unless" in following.verdict(gone)
    assert following.verdict(replace(gone, outcome="healthy")) == ""
    spent = following.verdict(replace(gone, outcome="critical", words="restart-worker again in 29 s"))
    assert "restart-worker again in 29 s; a human should look; the recovery goes on\n" in spent


def test_ctrl_c_leaves_the_recovery_alone(daemon: Running) -> None:
    """What was ordered is done all the same, which is said; the status is that of the signal."""
    daemon.daemon.cure = [ILL]
    with ctl("recover", "--camera", "cam1", "--yes") as process:
        line_with(process, "restart-stream 1/2 under way")
        status, _, err = interrupted(process)

    assert status == 130
    assert "camwatchctl: the recovery goes on\n  hint: how it goes: camwatchctl status --watch\n" in err


def test_recover_without_a_camera(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is there to be recovered, nor to be waited for."""
    daemon.daemon.cameras = ()
    nothing = "no camera is configured: nothing is recovered\n"

    assert run(capsys, "recover") == run(capsys, "recover", "--dry-run") == (0, nothing, "")
    assert json.loads(run(capsys, "recover", "--json")[1])["cameras"] == []


def test_it_is_followed_for_a_day_at_most() -> None:
    """Ten minutes if nothing is said; longer than a day is no answer."""
    parse = cli.arguments().parse_args

    assert [parse(["recover", *more]).timeout for more in ([], ["--timeout", "24h"])] == [600.0, 86400.0]
    with pytest.raises(SystemExit):
        parse(["recover", "--timeout", "25h"])


def test_what_has_begun_is_the_first_step() -> None:
    """Of each camera; the others come only if that does not help."""
    plans = tuple(
        RecoverPlan(camera=name, disturbs=False, steps=(f"{name} first", f"{name} then"))
        for name in ("a", "b")
    )

    assert recover._begun(RecoverFacts(("a", "b"), plans)) == "a: a first\nb: b first"
    assert recover.text(plans[:1]) == "a: would be done\n  a first\n  a then"


def test_recover_without_waiting(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Ordered is enough; a camera that is ill already need not be asked about."""
    daemon.daemon.cameras = ILL
    answers = [
        run(capsys, "recover", "--no-wait", "--camera", "cam1", *more)[:2] for more in ([], ["--json"])
    ]

    assert [status for status, _ in answers] == [0, 0]
    assert answers[0][1] == "cam1: None: as the test has it\n"
    assert json.loads(answers[1][1])["cameras"] == ["cam1"]
    assert len(daemon.daemon.orders) == 2


def test_a_healthy_camera_is_not_disturbed_unasked(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody can be asked it needs --yes."""
    for more in ([], ["--json"]):
        status, _, err = run(capsys, "recover", *more)

        assert (status, daemon.daemon.orders) == (2, [])
        assert "cam0, cam1: healthy, and frames would stop meanwhile\n  hint: --yes" in err


def on_a_terminal(answer: bytes, *argv: str) -> tuple[int, bytes, bytes]:
    """Status, output and complaints of `recover` to which somebody types this."""
    ours, theirs = pty.openpty()
    script = (
        f"import sys; from camwatchd.cli import main; sys.exit(main({['recover', '--no-wait', *argv]!r}))"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(ours, answer)
        out, err = process.communicate(timeout=30)
    for end in (ours, theirs):
        os.close(end)
    return process.returncode, out, err


@pytest.mark.parametrize(("answer", "expected"), [(b"n\n", 2), (b"\n", 2), (b"y\n", 0), (b" Yes \n", 0)])
def test_a_human_is_asked(answer: bytes, expected: int, daemon: Running) -> None:
    """On a terminal; anything but yes is no."""
    status, out, err = on_a_terminal(answer)

    assert (status, len(daemon.daemon.orders)) == (expected, int(expected == 0))
    assert b"Recover all the same? [y/N]" in out
    assert (b"nothing was done" in err) == (expected == 2)


def test_only_what_was_asked_about_is_disturbed(daemon: Running) -> None:
    """A camera that the configuration gets while a human thinks is not among those that he agreed to."""
    ours, theirs = pty.openpty()
    script = "import sys; from camwatchd.cli import main; sys.exit(main(['recover', '--no-wait']))"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        asked = b""
        while not asked.endswith(b"[y/N] ") and (more := process.stdout.read(1)):
            asked += more
        daemon.daemon.cameras = (*WELL, camera("cam2"))
        os.write(ours, b"y\n")
        process.communicate(timeout=30)
    for end in (ours, theirs):
        os.close(end)

    assert daemon.daemon.orders == [("recover", ("cam0", "cam1"), None)]


def test_a_program_is_not_asked_even_on_a_terminal(daemon: Running) -> None:
    """It would not expect a question in its JSON."""
    status, out, err = on_a_terminal(b"y\n", "--json")

    assert (status, b"Recover" in out, b"hint: --yes" in err, daemon.daemon.orders) == (2, False, True, [])


def test_a_dry_run_says_what_would_be_done(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """And what would not: then status 75, as for the order itself."""
    dry = run(capsys, "recover", "--dry-run", "--rung", "restart-worker", "--camera", "cam0")
    daemon.daemon.objection = "it is not on USB"
    not_now = run(capsys, "recover", "--dry-run", "--rung", "reset-device", "--json")
    refused = run(capsys, "recover", "--rung", "reset-device", "--camera", "cam0")

    would = "cam0: would be done; it is healthy, and its frames would stop meanwhile\n"
    assert dry == (0, f"{would}  restart-worker: as the test has it\n", "")
    assert (not_now[0], json.loads(not_now[1])["plans"][0]["objection"]) == (75, "it is not on USB")
    assert (refused[0], "reset-device may not be tried now: cam0: it is not on USB" in refused[2]) == (
        75,
        True,
    )
    assert daemon.daemon.orders == []


def test_one_camera_that_may_not_is_enough(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """The order is of all of them or of none; it alone is not asked about."""
    daemon.daemon.objection, daemon.daemon.objected = "it is not on USB", "cam1"
    status, out, _ = run(capsys, "recover", "--dry-run", "--rung", "reset-device")
    asked = run(capsys, "recover", "--rung", "reset-device")

    assert status == 75
    assert out.splitlines()[::2] == [
        "cam0: would be done; it is healthy, and its frames would stop meanwhile",
        "cam1: may not be done: it is not on USB",
    ]
    assert (asked[0], "cam0: healthy, and" in asked[2]) == (2, True)
