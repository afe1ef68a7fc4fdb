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

from camwatchd.cli import looking, watch
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
    assert "MTBF                   unknown: no outage" in detailed
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
    both = run(capsys, "wait", "--timeout", "20s")
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
    daemon.daemon.cameras = ILL
    with ctl("monitor", "--interval", "1h") as process:
        line_with(process, "cam0 healthy")
        status, out, err = interrupted(process)

    assert (status, err) == (1, "")  # of what was seen: not 130
    assert "watched for " in out
    assert "cam1: available" in out
