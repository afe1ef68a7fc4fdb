# SPDX-License-Identifier: MIT
"""The verbs that stay: they look again and again, over a restart of the daemon, and end clean with a summary."""

import argparse
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.cli import following, looking, watch
from camwatchd.control.client import ControlError
from camwatchd.control.facts import DaemonFacts, StatusFacts
from camwatchd.control.protocol import Reason
from tests import schemas
from tests.control.rig import Running, camera, running
from tests.test_cli_control import daemon, run

__all__ = ["daemon"]  # the fixture

WELL = (camera("cam0"), camera("cam1"))
ILL = (
    camera("cam0"),
    camera(
        "cam1", phase="acting", fault="frames-stopped", next_action="restart-stream 1/2 under way, 30 s left"
    ),
)
PARKED = (camera("cam0"), camera("cam1", phase="parked", fault="sensor-io", next_action="parked, no reboot"))
LENT = (camera("cam0"), camera("cam1", phase="paused", paused_for=600.0))
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
AWAY = ControlError(Reason.UNREACHABLE, "camwatchd is not running")


@contextmanager
def ctl(*argv: str, out: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """camwatchctl as a process of its own, which Ctrl-C reaches."""
    script = f"import sys; from camwatchd.cli import main; sys.exit(main({list(argv)!r}))"
    command = ["env", "--default-signal=INT", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_with(process: subprocess.Popen[str], pattern: str) -> str:
    """The next line that matches."""
    assert process.stdout is not None
    return next(line for line in process.stdout if re.search(pattern, line))


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Status, the rest of the output and of the complaints after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out or "", err


# --- status --watch ---------------------------------------------------------------------------------------


def test_a_watch_outlives_the_daemon(tmp_path: Path) -> None:
    """In a pipe one status follows the other; that the daemon went, came back and is another one is said once."""
    first = running(tmp_path)
    gone = first.__enter__()
    with ctl("status", "--watch", "--interval", "0.05", "--socket", str(gone.path)) as process:
        line_with(process, "^cam0  EXCELLENT 100/100")
        first.__exit__(None, None, None)
        away = line_with(process, "^-- ")
        with running(tmp_path) as back:
            back.daemon.pid = 915
            back_again = line_with(process, "^-- ")
            line_with(process, "^cam0  EXCELLENT 100/100")
            status, _, err = interrupted(process)

    assert (status, err) == (0, "")
    assert "is not running" in away
    assert away.endswith("; waiting for it\n")
    assert back_again == "-- camwatchd was restarted 60 min ago: pid 812 is now 915\n"


def test_a_watch_on_a_terminal_redraws(daemon: Running) -> None:
    """From the upper left corner again, without a screenful of each."""
    ours, theirs = pty.openpty()
    with ctl("status", "--watch", "--interval", "0.05", out=theirs) as process:
        os.close(theirs)
        seen = b""
        while seen.count(b"\x1b[H") < 4:
            seen += os.read(ours, 65536)
        status, _, err = interrupted(process)
    os.close(ours)

    assert (status, err) == (0, "")
    assert b"Ctrl-C ends it" in seen
    assert b"cam0  \x1b[32mEXCELLENT 100/100\x1b[0m" in seen
    assert b"\x1b[2J" not in seen


def test_a_page_fits_the_terminal() -> None:
    """Long lines take several rows, colours none; what there is no room for is counted."""
    lines = ["short", "\x1b[32m" + 20 * "x" + "\x1b[0m", "x" * 21, "last"]

    assert watch.fitting(lines, 20, 6) == lines
    assert watch.fitting(lines, 20, 5) == [*lines[:2], "... 2 more lines: camwatchctl status | less"]
    assert watch.fitting(lines, 10, 3)[:1] == ["short"]


def test_a_watch_for_programs_is_an_object_a_line(daemon: Running) -> None:
    """Each of them is a whole status, also on a terminal."""
    ours, theirs = pty.openpty()
    with (
        ctl("status", "--watch", "--json", "--interval", "0.05", out=theirs) as process,
        open(ours) as terminal,
    ):
        os.close(theirs)
        looks = [json.loads(terminal.readline()) for _ in range(2)]
        interrupted(process)

    assert [schemas.mistakes(look, "status") for look in looks] == [[], []]


def test_a_watch_for_programs_ends_with_an_object(daemon: Running) -> None:
    """Ctrl-C adds no empty line to it, which no parser of lines would take."""
    with ctl("status", "--watch", "--json", "--interval", "1h") as process:
        line_with(process, "daemon")
        _, rest, _ = interrupted(process)

    assert rest == ""


def test_a_reader_that_leaves_ends_the_watch(daemon: Running) -> None:
    """At once, not at the next look an hour later."""
    with ctl("status", "--watch", "--interval", "1h") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        status = process.wait(30)

    assert status == 128 + signal.SIGPIPE


def test_the_detailed_status_has_everything(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Below the status as it always is; the JSON has all of it anyway."""
    daemon.daemon.cameras = PARKED
    _, plain, _ = run(capsys, "status")
    status, detailed, _ = run(capsys, "status", "--detailed")
    as_json = [run(capsys, "status", "--json", *more)[1] for more in ([], ["--detailed"])]

    assert (status, detailed.startswith(plain.rstrip())) == (3, True)
    assert "camera cam1\n  condition              critical\n  phase                  parked" in detailed
    assert "MTBF                   unknown: nothing has failed" in detailed
    assert as_json[0] == as_json[1]


def test_only_the_cameras_that_are_named_are_shown(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """They speak for all, too; a name that none has is refused."""
    daemon.daemon.cameras = PARKED

    code, out, _ = run(capsys, "status", "--json", "--camera", "cam0")
    assert (code, list(json.loads(out)["cameras"])) == (0, ["cam0"])
    assert [run(capsys, "status", *words)[0] for words in ((), ("--camera", "cam1"))] == [3, 3]
    assert "there are: cam0, cam1" in run(capsys, "status", "--camera", "cam7")[2]


@pytest.mark.parametrize("verb", ["status", "health"])
def test_json_of_a_daemon_that_is_down(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The document is whole, says that nobody answers, and the exit status does too."""
    status, out, err = run(capsys, verb, "--json", "--socket", str(tmp_path / "control.sock"))
    document = json.loads(out)

    assert (status, err) == ({"status": 69, "health": 2}[verb], "")
    assert (schemas.mistakes(document, verb), document["absence"]["reason"]) == ([], "unreachable")


def test_presence_is_news_once() -> None:
    """Away is said once, back once, another process always."""
    here = StatusFacts(daemon=DaemonFacts(version="1", pid=1, uptime=9.0, status=""), cameras=())
    other = replace(here, daemon=replace(here.daemon, pid=2))
    presence = looking.Presence()
    news = [presence.news(look) for look in (here, here, AWAY, AWAY, here, other, other)]

    assert news == [
        "", "", "camwatchd is not running; waiting for it", "", "camwatchd answers again",
        "camwatchd was restarted 9.0 s ago: pid 1 is now 2", "",
    ]  # fmt: skip


# --- wait -------------------------------------------------------------------------------------------------


def test_wait_is_over_when_all_are_healthy(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Not before; of several cameras it may be asked for one."""
    daemon.daemon.scenes = [ILL, ILL, WELL]
    both = run(capsys, "wait", "--timeout", "1m")
    left = len(daemon.daemon.scenes)
    daemon.daemon.cameras = ILL
    one = run(capsys, "wait", "--camera", "cam0", "--json")

    assert (both, left) == ((0, "healthy\n", ""), 0)
    assert (one[0], json.loads(one[1])) == (0, {"outcome": "healthy", "reason": ""})
    assert schemas.mistakes(json.loads(one[1]), "wait") == []


@pytest.mark.parametrize(
    ("argv", "cameras", "expected", "words"),
    [
        ((), PARKED, 3, "parked: cam1 parked: sensor-io, parked, no reboot"),
        (("--timeout", "0.1"), ILL, 75, "not healthy within 0.10 s: cam1 acting: frames-stopped, restart-stream 1/2"),
        (("--timeout", "0.1"), LENT, 75, "cam1 paused by its operator for 10 min more (camwatchctl resume)\n"),
        (("--camera", "cam9"), WELL, 2, "no camera is called 'cam9'; there are: cam0, cam1"),
        (("--timeout", "0.1", "--socket", "/nowhere"), WELL, 69, "camwatchd is not running"),
    ],
)  # fmt: skip
def test_wait_says_why_it_is_over(
    argv: tuple[str, ...], cameras: tuple[object, ...], expected: int, words: str,
    daemon: Running, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Parked, out of time, nobody there, nothing to wait for: each has a status of its own."""
    daemon.daemon.cameras = cameras  # type: ignore[assignment]
    status, out, err = run(capsys, "wait", *argv)

    assert (status, out) == (expected, "")
    assert words in err


def test_a_daemon_that_hangs_does_not_make_a_wait_longer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last look is given what is left of the time, not five seconds more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        began = time.monotonic()
        status, _, err = run(capsys, "wait", "--timeout", "0.1", "--socket", str(tmp_path / "s"))

    assert (status, "did not answer within 1 s" in err) == (69, True)
    assert time.monotonic() - began < 4


def test_another_release_is_waited_for(tmp_path: Path) -> None:
    """In the middle of an upgrade the daemon answers what we do not understand; it is asked again."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()

        def answer() -> None:
            with door.accept()[0] as guest:
                guest.recv(1000)
                guest.send(b"{}")

        answering = threading.Thread(target=answer)
        answering.start()
        look = looking.once(argparse.Namespace(socket=str(tmp_path / "s")))
        answering.join()

    assert isinstance(look, ControlError)
    assert look.reason is Reason.VERSION


# --- monitor ----------------------------------------------------------------------------------------------


def test_monitor_ends_with_a_summary(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a look, then what it came to; what is unknown because nothing failed is said so."""
    status, out, err = run(capsys, "monitor", "--interval", "0.05s", "--duration", "0.1s")
    *looks, _, cam0, _ = out.splitlines()

    assert (status, err) == (0, "")
    assert len(looks) >= 2
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d  cam0 healthy 100/100 29.9 fps, last frame 0.03 s ago; cam1 .*", looks[0]
    )
    assert "MTBF unknown (nothing failed), MTTR unknown (nothing failed); lowest score 100" in cam0


def test_monitor_for_programs(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, the last of them the summary; plain numbers are minutes and seconds."""
    daemon.daemon.scenes = [ILL]
    status, out, _ = run(capsys, "monitor", "--json", "--interval", "0.05", "--duration", "0.001")
    *looks, summary = [json.loads(line) for line in out.splitlines()]

    assert (status, {look["kind"] for look in looks}, summary["kind"]) == (1, {"look"}, "summary")
    assert looks[0]["cameras"]["cam1"]["fault"] == "frames-stopped"
    assert summary["cameras"]["cam1"]["mtbf"] is None
    assert [
        schemas.mistakes(line, "monitor") + schemas.strangers(line, "monitor") for line in (*looks, summary)
    ] == [[] for _ in (*looks, summary)]


def test_ctrl_c_gives_the_summary_too(daemon: Running) -> None:
    """Whoever has seen enough gets what it came to, without a traceback."""
    with ctl("monitor", "--interval", "1h") as process:
        line_with(process, "cam0 healthy")
        status, out, err = interrupted(process)

    assert (status, err) == (0, "")  # of what was seen: not 130
    assert "watched for " in out
    assert "cam1: available" in out


# --- recover ----------------------------------------------------------------------------------------------


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
    status, out, _ = run(capsys, "recover", "--camera", "cam1", "--yes", "--json", *argv)
    document = json.loads(out)

    assert (status, document["ends"][0]["outcome"]) == expected
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


def test_recover_without_waiting(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Ordered is enough; a camera that is ill already need not be asked about."""
    daemon.daemon.cameras = ILL
    answers = [
        run(capsys, "recover", "--no-wait", "--camera", "cam1", *more)[:2] for more in ([], ["--json"])
    ]

    assert [status for status, _ in answers] == [0, 0]
    assert json.loads(answers[1][1])["cameras"] == ["cam1"]
    assert len(daemon.daemon.orders) == 2


def test_a_healthy_camera_is_not_disturbed_unasked(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody can be asked it needs --yes."""
    status, _, err = run(capsys, "recover", "--json")

    assert (status, daemon.daemon.orders) == (2, [])
    assert "cam0, cam1: healthy, and frames would stop meanwhile\n  hint: --yes" in err


@pytest.mark.parametrize(("answer", "expected"), [(b"n\n", 2), (b"\n", 2), (b"y\n", 0)])
def test_a_human_is_asked(answer: bytes, expected: int, daemon: Running) -> None:
    """On a terminal; anything but yes is no."""
    ours, theirs = pty.openpty()
    script = "import sys; from camwatchd.cli import main; sys.exit(main(['recover', '--no-wait']))"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(ours, answer)
        out, err = process.communicate(timeout=30)
    for end in (ours, theirs):
        os.close(end)

    assert (process.returncode, len(daemon.daemon.orders)) == (expected, int(expected == 0))
    assert b"Recover all the same? [y/N]" in out
    assert (b"nothing was done" in err) == (expected == 2)


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
