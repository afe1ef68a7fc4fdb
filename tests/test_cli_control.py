# SPDX-License-Identifier: MIT
"""The verbs that talk to the daemon: what they order, what they print, how they end; against a real socket."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd import cli
from camwatchd.cli import asking, exits, pause, unit
from camwatchd.cli.duration import at_most
from camwatchd.control.protocol import LONGEST_PAUSE, PauseFacts
from tests.control.rig import STRANGER, Running, camera, open_folder, running

_OTHER_USER = """
import os, sys
import shutil  # argparse does that late, when a stranger may not read our Python any more
from camwatchd.cli import main
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A running daemon with two healthy cameras, where the environment says that it is."""
    with running(tmp_path) as daemon:
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(daemon.path))
        yield daemon


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    status = cli.main(list(argv))
    output = capsys.readouterr()
    verb = next((word for word in argv if word in exits.EXITS), "status")
    assert status in exits.EXITS[verb], f"{verb} ends with {status}, which its table does not have"
    return status, output.out, output.err


@pytest.mark.parametrize(
    "argv",
    ["--camera cam1", "--interval 1", "--state-dir /x", "--config /x --json", "--soc {} --camera cam0"],
)
def test_options_of_the_status_need_no_verb(
    argv: str, daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their values are not taken for a verb."""
    words = argv.format(daemon.path).split()

    assert run(capsys, *words) == run(capsys, "status", *words)


@pytest.mark.parametrize(
    "argv", [[], ["status"], ["--socket", "{}"], ["status", "--socket", "{}"]], ids=repr
)
def test_without_a_verb_it_is_the_status(
    argv: list[str], daemon: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked nothing in particular, it shows the status; the socket may stand before or after the verb."""
    if "--socket" in argv:
        monkeypatch.setenv("CAMWATCHD_SOCKET", "/nowhere")
    status, out, err = run(capsys, *[word.format(daemon.path) for word in argv])

    assert (status, err) == (0, "")
    assert out.startswith("cam0  EXCELLENT 100/100, 29.9 fps")


@pytest.mark.parametrize("argv", [["--json"], ["status", "--json"]], ids=repr)
def test_status_for_programs(argv: list[str], daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json it is one object, with or without the verb."""
    status, out, _ = run(capsys, *argv)
    document = json.loads(out)

    assert (status, document["health_score"], list(document["cameras"])) == (0, 100, ["cam0", "cam1"])


def test_the_exit_status_is_the_answer(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """A critical camera is shown on stdout, and status 3 says it to a script."""
    daemon.daemon.cameras = (camera(phase="parked", is_critical=True, band="CRITICAL", health_score=0),)

    status, out, err = run(capsys, "status")

    assert (status, out.split()[1], err) == (3, "PARKED", "")


def test_pause_says_until_when_and_that_it_is_free(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """The order, the end of the pause, the freedom, and how to end it earlier."""
    daemon.daemon.change(("cam1",), has_worker=False)
    status, out, err = run(capsys, "pause", "10m", "--camera", "cam1")
    lines = out.splitlines()

    assert daemon.daemon.orders == [("pause", ("cam1",), 600.0)]
    assert (status, err) == (0, "")
    assert lines[0] == "pausing cam1 for 10 min ..."
    assert lines[1].startswith("cam1: paused until ")
    assert lines[2:] == [
        "free for other programs: cam1",
        "to take the camera again earlier: camwatchctl resume",
    ]


def test_pause_is_an_hour_of_every_camera(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a duration and a name every camera is paused for an hour; for programs as JSON alone."""
    daemon.daemon.change(("cam0", "cam1"), has_worker=False)
    status, out, _ = run(capsys, "pause", "--json")

    assert (status, json.loads(out)) == (0, {"cameras": ["cam0", "cam1"], "seconds": 3600.0, "occupied": []})


def test_a_camera_that_is_not_free_is_no_success(
    daemon: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker that does not end leaves the camera paused and occupied: said on stderr, status 75."""
    monkeypatch.setattr("camwatchd.control.handlers.FREE_WITHIN", 0.05)
    status, out, err = run(capsys, "pause", "60", "--camera", "cam0")

    assert status == 75
    assert "free for other programs" not in out
    assert err.startswith("camwatchctl: not free: cam0: its process does not end")


def test_what_is_free_and_what_is_not_are_told_apart() -> None:
    """Of several cameras each is named where it belongs."""
    lines = pause.text(PauseFacts(("cam0", "cam1"), 90.0, ("cam1",)), "14:30").splitlines()

    assert lines[:2] == ["cam0, cam1: paused until 14:30 (90 s)", "free for other programs: cam0"]
    assert pause.text(PauseFacts((), 0.0), "14:30") == "no camera is configured: nothing is paused"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("45", 45), ("0.5h", 1800), ("24h", 86400), ("86400", 86400)],
)
def test_durations(written: str, seconds: float) -> None:
    """Seconds, minutes and hours by their letter; a plain number is seconds."""
    assert at_most(LONGEST_PAUSE)(written) == seconds


@pytest.mark.parametrize(
    "written", ["0", "-5", "25h", "1d", "h", "", "10 m", "1e3", "inf", "nan", "٣", "1h30m"]
)
def test_what_is_no_duration(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing, too much and anything else is refused with what was expected."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["pause", "--", written])

    assert ended.value.code == 2
    assert f"{written!r} is no duration; expected 90s, 10m, 2h or plain seconds, at most 24h" in (
        capsys.readouterr().err
    )


# Every option that takes a time, the unit of a plain number, and the verb's other arguments.
_TIMES = (
    ("monitor", "--duration", 60, ()), ("monitor", "--interval", 1, ()), ("status", "--interval", 1, ()),
    ("wait", "--timeout", 1, ()), ("recover", "--timeout", 1, ()), ("test", "--timeout", 1, ()),
    ("snapshot", "--timeout", 1, ("x.jpg",)), ("stream", "--timeout", 1, ()), ("logs", "--hours", 1, ()),
    ("history", "--days", 1, ()),
)  # fmt: skip
_OF_THEIR_OWN = {"--hours": 3600, "--days": 86400}  # which are kept in this unit


@pytest.mark.parametrize(("verb", "option", "plain", "others"), _TIMES)
def test_every_time_is_written_alike(
    verb: str, option: str, plain: int, others: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """10m, 5s, or a plain number of the unit of the original flag; anything else is refused with what was expected."""
    unit = _OF_THEIR_OWN.get(option, 1)
    found = [
        getattr(cli.arguments().parse_args([verb, *others, option, text]), option.removeprefix("--"))
        for text in ("10m", "5s", "2")
    ]

    assert found == [600 / unit, 5 / unit, 2.0 * plain]
    with pytest.raises(SystemExit, match="2"):
        cli.main([verb, *others, option, "soon"])
    assert "'soon' is no duration; expected" in capsys.readouterr().err


def test_no_option_with_a_time_is_left_out() -> None:
    """By the name that the help gives its value."""
    (verbs,) = [a for a in cli.arguments()._actions if isinstance(a, argparse._SubParsersAction)]
    timed = {
        (verb, action.option_strings[0])
        for verb, parser in verbs.choices.items() for action in parser._actions
        if action.option_strings and action.metavar in ("S", "T", "H", "MIN", "SECONDS")
    } | {("history", "--days")}  # fmt: skip

    assert timed == {(verb, option) for verb, option, _, _ in _TIMES}


def test_resume(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """It says whose pause it ended, and that there was none."""
    daemon.daemon.change(("cam1",), paused_for=30.0)
    answers = [run(capsys, "resume"), run(capsys, "resume", "--camera", "cam0")]
    daemon.daemon.change(("cam1",), paused_for=30.0)
    _, out, _ = run(capsys, "resume", "--json")

    assert answers == [
        (0, "cam1: the pause is over, the camera is being opened\n", ""),
        (0, "nothing was paused\n", ""),
    ]
    assert json.loads(out) == {"cameras": ["cam1"]}


def test_recover_of_a_paused_camera(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Not now: status 75, with the verb to use first."""
    daemon.daemon.change(("cam1",), paused_for=30.0)
    status, out, err = run(capsys, "recover")

    assert (status, out) == (75, "")
    assert err.startswith("camwatchctl: paused by the operator: cam1\n  hint: camwatchctl resume")


@pytest.mark.parametrize("verb", ["pause", "resume", "recover"])
def test_an_unknown_camera(verb: str, daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name is a wrong argument: status 2, and the names that there are."""
    status, _, err = run(capsys, verb, "--camera", "cam9")

    assert (status, daemon.daemon.orders) == (2, [])
    assert err == "camwatchctl: no camera is called 'cam9'; there are: cam0, cam1\n"


def test_reload(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """It waits until the configuration is in force, and says so."""
    daemon.daemon.verdict = ""
    text = run(capsys, "reload")
    status, out, _ = run(capsys, "reload", "--json")

    assert text == (0, "reading the configuration ...\nthe new configuration is in force\n", "")
    assert (status, json.loads(out)) == (0, {"problems": ""})


def test_a_refused_reload_shows_what_is_wrong(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """The problems stand where they were asked for, status 78; for programs in the JSON."""
    daemon.daemon.verdict = "1 problem in the configuration:\ncamera.cam0.width = 0"
    text_status, _, err = run(capsys, "reload")
    json_status, out, _ = run(capsys, "reload", "--json")

    assert (text_status, json_status) == (78, 78)
    assert "the last good one stays in force:\n1 problem in the configuration:\ncamera.cam0.width = 0" in err
    assert json.loads(out) == {"problems": daemon.daemon.verdict}


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that says that the unit has failed, and writes down what it was asked."""
    tool = tmp_path / "systemctl"
    tool.write_text('#!/bin/sh\necho "$@" >"$0.asked"\necho LoadState=loaded\necho ActiveState=failed\n'
                    "echo SubState=failed\necho Result=start-limit-hit\necho StatusText=\n")  # fmt: skip
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "systemctl.asked"


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "recover", "reload"])
def test_no_daemon(verb: str, tmp_path: Path, systemctl: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no daemon is, each verb ends with 69 and says what to look at; of another socket systemd knows nothing."""
    status, _, err = run(capsys, verb, "--socket", str(tmp_path / "control.sock"))

    assert status == 69
    assert "camwatchd is not running" in err
    assert "systemctl status camwatchd" in err
    assert not systemctl.exists()


def test_no_daemon_but_a_systemd(
    tmp_path: Path, systemctl: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the unit's own socket systemd is asked why the daemon does not run."""
    monkeypatch.setattr(asking, "DEFAULT_SOCKET", str(tmp_path / "control.sock"))
    monkeypatch.delenv("CAMWATCHD_SOCKET", raising=False)
    status, _, err = run(capsys)

    assert status == 69
    assert err.endswith("\n  systemd says: failed (failed), result start-limit-hit\n")
    assert "show camwatchd.service" in systemctl.read_text()


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", None])
def test_a_systemd_that_says_nothing(
    script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no systemd, or none that runs, nothing is said about it."""
    if script is not None:
        (tmp_path / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert unit.said() == ""


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"LoadState": "not-found", "ActiveState": "inactive"}, "systemd knows no camwatchd.service: is the package"),
        ({"LoadState": "masked", "ActiveState": "inactive"}, "masked: sudo systemctl unmask camwatchd.service"),
        ({"ActiveState": "inactive", "ConditionResult": "no", "ConditionTimestamp": "Mon"},
         "is there /boot/firmware/camwatchd.disable?"),
        ({"ActiveState": "inactive", "SubState": "dead", "ConditionResult": "no", "ConditionTimestamp": ""},
         "systemd says: inactive (dead)"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "watchdog", "StatusText": "cam0: bad"},
         "systemd says: activating (auto-restart), result watchdog, last status: cam0: bad"),
    ],
)  # fmt: skip
def test_what_systemd_says_in_words(facts: dict[str, str], expected: str) -> None:
    """A unit that is missing, masked, kept from starting, stopped or failing is told apart."""
    assert expected in unit.sentence(facts, Path("/nonexistent"))


def test_a_daemon_that_is_of_another_mind(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in the daemon's status is an error of the daemon's, not a traceback of ours."""
    daemon.daemon.broken = True
    status, _, err = run(capsys, "status")

    assert status == 69
    assert "journalctl -u camwatchd" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")
def test_another_user_may_look_only() -> None:
    """Somebody outside the group gets the status, and for an order status 77 with both remedies."""
    with open_folder() as folder, running(folder) as daemon:
        done = [
            subprocess.run(
                [sys.executable, "-c", _OTHER_USER, str(STRANGER), "--socket", str(daemon.path), verb],
                capture_output=True, text=True, check=False,
            )
            for verb in ("status", "reload")
        ]  # fmt: skip

    assert [process.returncode for process in done] == [0, 77]
    assert "usermod -aG camwatchd $USER" in done[1].stderr
    assert daemon.daemon.orders == []


def test_whoever_waits_may_give_up(daemon: Running) -> None:
    """Ctrl-C ends the wait without a traceback; what was ordered is done all the same."""
    script = "import sys; from camwatchd.cli import main; sys.exit(main(['pause']))"
    # A shell has its background jobs ignore Ctrl-C, and that would be inherited.
    command = ["env", "--default-signal=INT", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert daemon.daemon.told.wait(30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (130, "")
    assert daemon.daemon.orders == [("pause", ("cam0", "cam1"), 3600.0)]
