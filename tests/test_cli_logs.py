# SPDX-License-Identifier: MIT
"""`camwatchctl logs` tells each event in a line, what it all amounts to, and what it could not read."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd import cli
from camwatchd.adapters import log
from camwatchd.cli import log_text
from camwatchd.cli.log_analysis import Analyser
from camwatchd.cli.log_events import Reader
from camwatchd.cli.unit import UNIT
from camwatchd.core import events as ev
from camwatchd.core.histogram import Histogram
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Policy
from camwatchd.narrator import Narrator
from tests.log_rig import NOON, incident, journalctl, journals, ours, program, written

_COMMAND = "import sys; from camwatchd.cli import main; sys.exit(main(sys.argv[1:]))"
_HINT = """\
Hint: You are currently not seeing messages from other users and the system.
      Users in the 'systemd-journal' group can see all messages. Pass -q to
      turn off this notice.
"""


@pytest.fixture
def log_file(tmp_path: Path) -> str:
    """Two incidents of one camera in an hour, one of another that is not over, and a summary."""
    lines = [
        *incident(0),
        *incident(1800, fault="sensor-io"),
        *incident(3000, camera="garden", cured=False),
        ours(3600, "camera.summary", camera="cam0", latencies=Histogram([0.03] * 99 + [0.5]).text()),
        ours(3600, "daemon.started", message="supervising cam0, garden"),
    ]
    return written(tmp_path / "log", lines)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `camwatchctl logs`."""
    status = cli.main(["logs", *argv])
    output = capsys.readouterr()
    return status, output.out, output.err


def answered(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[list[dict[str, Any]], Any]:
    """The events and the analysis of --json."""
    status, out, _ = run(capsys, "--json", *argv)
    *events, analysis = map(json.loads, out.splitlines())
    assert status == 0
    return events, analysis


def test_every_event_is_a_line_that_grep_finds(log_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has `camera` in it, and `capture` where it is about one; it is one line whatever was logged."""
    with open(log_file, "a") as file:
        file.write(ours(3700, "daemon.failed", "critical", "Traceback:\n  \x1b[2Jx\n") + "\n")
    status, out, err = run(capsys, "--file", log_file)
    events = out.split("\n\n")[0].splitlines()

    assert (status, err) == (0, "")
    assert len(events) == 23
    assert [line for line in events if "camera" not in line] == []
    # Of sensor-io only the captures and their alert.
    assert sum("capture" in line for line in events) == 7 + 3 + 6
    assert events[0][21:] == "WARNING   camera=cam0    capture.failed          capture 1 of 2 failed"
    assert events[-1].endswith("Traceback: | [2Jx")


def test_the_analysis_says_what_it_amounts_to(log_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults by kind, what is not over, remedies by success, latencies in percentiles, rates by the time covered."""
    text = run(capsys, "--file", log_file)[1].partition("\n\n")[2]
    rows = [line.split() for line in text.splitlines() if line]

    assert ["camera=garden:", "frames-stopped", "since"] in [row[:3] for row in rows]
    assert ["frames-stopped", "capture_failure", "2", "camera=cam0,garden"] in [row[:4] for row in rows]
    assert ["sensor-io", "connection_error", "1", "camera=cam0"] in [row[:4] for row in rows]
    assert ["restart-stream", "3", "0", "0", "%", "4.0", "s"] in rows
    assert ["restart-worker", "2", "2", "100", "%", "2.0", "s"] in rows
    assert ["retry", "3", "0", "0", "%", "-"] in rows
    assert ["camera=cam0", "100", "31.2", "ms", "31.2", "ms", "31.2", "ms", "500", "ms"] in rows
    assert ["faults", "72", "-", "nothing", "to", "compare", "with"] in rows


def test_json_says_the_same(log_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: an object a line, the last one is the analysis, with the numbers of the text."""
    events, analysis = answered(capsys, "--file", log_file)

    assert {event["kind"] for event in events} == {"event"}
    assert events[2]["fault"] == "frames-stopped"
    assert events[2]["time"] == "2026-11-23T12:00:01.000+00:00"
    assert (analysis["kind"], analysis["events"], analysis["errors"]) == ("analysis", 22, 3)
    assert analysis["faults"][0]["count"] == 2
    assert [row["rung"] for row in analysis["rungs"]] == ["retry", "restart-stream", "restart-worker"]


def test_the_manual_has_every_key_of_the_json(log_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What programs may rely on is in the man page: each key of both objects."""
    manual = (Path(__file__).parents[1] / "debian" / "man" / "camwatchctl.1").read_text()
    chapter = manual.split(".Sh LOGS\n")[1].split("\n.Sh ")[0]
    events, analysis = answered(capsys, "--file", log_file)
    rows = [row for key in ("faults", "open", "rungs", "latency", "trend") for row in analysis[key]]

    keys = set(events[0]) | set(analysis) | {key for row in rows for key in row}
    assert {key for key in keys if f"Va {key} " not in f"{chapter} ".replace("\n", " ")} == set()


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["--recent-errors"], 3),
        (["--camera", "garden"], 6),
        (["--camera", "garden", "--camera", "cam0"], 21),
        (["--fault", "sensor-io"], 5),
        (["--fault", "connection_error"], 5),
        (["--fault", "capture_failure", "--camera", "cam0"], 5),
        (["--hours", "0.2"], 8),
    ],
    ids=repr,
)
def test_only_what_is_asked_for_is_shown(
    argv: list[str], shown: int, log_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors, cameras, faults or the faults of an alert, the last hours: each narrows what is shown."""
    events, _ = answered(capsys, "--file", log_file, *argv)

    assert len(events) == shown


def test_errors_are_shown_but_all_is_analysed(log_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Which remedy helped is known though no error says it."""
    _, analysis = answered(capsys, "--file", log_file, "--recent-errors")

    assert (analysis["recoveries"], analysis["events"]) == (2, 22)


@pytest.mark.parametrize(
    "last",
    [
        ours(9, "alert.recovery", camera="cam0", fault="not-found"),
        ours(9, "camera.started", camera="cam0"),
    ],
)
def test_a_fault_may_end_under_another_name(
    last: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recovery of what got another name meanwhile, or a new start, ends the fault that is asked for, uncounted."""
    file = tmp_path / "log"
    file.write_text(
        f"{ours(1, 'alert.capture_failure', 'error', camera='cam0', fault='frames-stopped')}\n{last}\n"
    )

    events, analysis = answered(capsys, "--file", str(file), "--fault", "frames-stopped")

    assert ([event["fault"] for event in events], analysis["open"]) == (["frames-stopped"], [])
    assert analysis["recoveries"] == 0


def test_an_export_of_the_journal_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no UTF-8, fields too large or given twice are read as they can be."""
    odd = {"__REALTIME_TIMESTAMP": f"{NOON * 1e6:.0f}", "_SYSTEMD_UNIT": "camwatchd.service"}
    pid_1 = {
        "__REALTIME_TIMESTAMP": f"{NOON * 1e6:.0f}",
        "UNIT": "camwatchd.service",
        "SYSLOG_IDENTIFIER": "systemd",
    }
    lines = [
        json.dumps(odd | {"MESSAGE": [99, 97, 109, 255, 10, 120]}),
        json.dumps(odd | {"MESSAGE": None, "EVENT": "alert.recovery", "CAMERA": ["cam0", "cam1"]}),
        json.dumps(pid_1 | {"MESSAGE": "camwatchd.service: Watchdog timeout", "PRIORITY": "3"}),
        json.dumps(odd | {"_SYSTEMD_UNIT": "ssh.service", "SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "hello"}),
        "data: " + journals(1, "camera.started", camera="cam0"),
    ]
    events, analysis = answered(capsys, "--file", written(tmp_path / "export", lines))

    assert [(event["event"], event["camera"], event["message"]) for event in events] == [
        ("-", "", "cam\ufffd\nx"),
        ("alert.recovery", "cam0", "alert.recovery"),
        ("systemd", "", "camwatchd.service: Watchdog timeout"),
        ("camera.started", "cam0", "camera.started"),
    ]
    assert (analysis["broken_lines"], events[-1]["clock"]) == (0, 5001.0)


def test_broken_lines_are_counted_and_said(log_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Half lines, other formats, endless lines and impossible times cost no other line."""
    broken = [
        b'{"time": "2026-11-23T1', b"plain text", b"[1, 2]", b"\xff\xfe", b"[" * 100000, b'{"x": "' + b"x" * 3_000_000,
        b'{"time": "2026-99-23", "event": "x"}', b'{"__REALTIME_TIMESTAMP": "1e9", "SYSLOG_IDENTIFIER": "camwatchd"}',
        b'{"__REALTIME_TIMESTAMP": "99999999999999999999", "SYSLOG_IDENTIFIER": "camwatchd"}',
        b'{"time": "0001-01-01T00:00:00+00:00", "event": "x"}', b'{"time": 5, "event": "x"}',
    ]  # fmt: skip
    with Path(log_file).open("ab") as file:
        file.write(b"".join(line + b"\n" for line in broken))
    events, analysis = answered(capsys, "--file", log_file)
    text = run(capsys, "--file", log_file)[1]

    assert (len(events), analysis["broken_lines"]) == (22, len(broken))
    assert f"{len(broken)} lines could not be read and were left out" in text


@pytest.mark.parametrize(
    ("name", "argv", "status", "words"),
    [
        ("no-log", [], 2, ["none of its 2 lines is an event", "journalctl -o json"]),
        ("missing", [], 2, ["No such file", "JSON lines"]),
        (".", [], 2, ["directory"]),
        ("no-log", ["--follow"], 2, ["not followed", "tail -F FILE | camwatchctl logs --file -"]),
        ("-", ["--hours", "2"], 2, ["give a file instead of -"]),
    ],
)
def test_what_is_no_log_is_refused_with_a_hint(
    name: str,
    argv: list[str],
    status: int,
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be read is said, and what to give instead."""
    written(tmp_path / "no-log", ["Nov 23 12:00 a line of text", "another"])
    ended, out, err = run(capsys, "--file", name if name == "-" else str(tmp_path / name), *argv)

    assert (ended, out) == (status, "")
    assert [word for word in [*words, "hint: "] if word not in err] == []


@pytest.mark.parametrize(
    ("text", "shown"), [("0.5", 15), ("30m", 15), ("1800s", 15), ("2h", 22), (".5", 15)]
)
def test_hours_may_have_a_unit(
    text: str, shown: int, log_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain numbers are hours; of a file they count from its last event."""
    assert len(answered(capsys, "--file", log_file, "--hours", text)[0]) == shown


def test_drills_are_shown_but_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An exercise is no fault: its events are there, marked, and the analysis goes by the others."""
    drilled = [json.dumps(json.loads(told) | {"drill": 1}) for told in incident(0, cured=False)]
    file = written(tmp_path / "log", [*drilled, *incident(60, camera="garden")])
    events, analysis = answered(capsys, "--file", file)

    assert [event["drill"] for event in events] == [True] * 6 + [False] * 7
    assert (analysis["drills"], analysis["errors"], analysis["open"]) == (6, 1, [])
    assert [row["cameras"] for row in analysis["faults"]] == [["garden"]]
    assert {row["rung"]: row["attempts"] for row in analysis["rungs"]}["restart-stream"] == 1
    assert "6 events of alarm drills of cameras, not counted below" in run(capsys, "--file", file)[1]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=3,
)
_FIELDS = st.sampled_from([
    "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT", "CAMERA", "FAULT", "RUNG", "ATTEMPT", "SECONDS", "FAILURES",
    "SUPPRESSED", "LATENCIES", "UNIT", "_BOOT_ID", "__MONOTONIC_TIMESTAMP", "time", "level", "event", "message",
    "camera", "monotonic", "fault", "rung", "seconds", "latencies",
])  # fmt: skip
_VALUES = _JSON | st.sampled_from(["alert.recovery", "alert.capture_failure", "capture.failed", "cam0", "1"])
_HEADS = st.sampled_from(
    [
        {"time": "2026-11-23T12:00:00", "event": "x"},
        {"__REALTIME_TIMESTAMP": "5", "_SYSTEMD_UNIT": UNIT},
        {},
    ]
)


def _line(head: dict[str, Any], fields: dict[str, Any]) -> bytes:
    return json.dumps(head | fields).encode()


@settings(max_examples=40)
@given(
    st.lists(
        st.binary() | st.builds(_line, _HEADS, st.dictionaries(_FIELDS, _VALUES, max_size=6)), max_size=4
    )
)
def test_whatever_a_file_holds_can_be_shown(lines: list[bytes]) -> None:
    """No line of any content breaks the reader, the analysis or the terminal; each event is one line."""
    reader, analyser = Reader(), Analyser()
    for event in reader.events(lines):
        analyser.add(event)
        shown = log_text.line(event)
        assert len(shown.encode().decode().splitlines()) == 1
        assert ("camera=" in shown, "\x1b" in shown) == (True, False)
        json.dumps(log_text.document(event), allow_nan=False)
    result = analyser.result(None, reader.broken)

    assert result.events == reader.ours <= len(lines) - reader.broken
    assert log_text.analysis_text(result).encode()
    json.dumps(log_text.analysis_document(result), allow_nan=False)


@pytest.mark.parametrize(
    "argv", [["--fault", "nonsense"], ["--hours", "0"], ["--hours", "x"], ["--hours", "nan"]]
)
def test_wrong_arguments_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that does not exist and hours that are none end with status 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["logs", *argv])

    assert ended.value.code == 2


# --- the journal ------------------------------------------------------------------------------------------


def test_the_journal_is_asked_for_what_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The daemon's unit, the cameras and faults, twice the hours: the span before tells the trend but is not shown."""
    now = time.time() - NOON
    before = [
        journals(
            now - 3600 * 20 + n, "alert.capture_failure", "error", camera="cam0", fault="frames-stopped"
        )
        for n in range(20)
    ]
    shown = [journals(now - 60, "alert.buffer_error", "error", camera="cam0", fault="buffer-queue")]
    folder = journalctl(tmp_path, before + shown)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    events, analysis = answered(
        capsys,
        "--hours",
        "12",
        "--camera",
        "cam0",
        "--fault",
        "buffer_error",
        "--fault",
        "frames-stopped",
        "--state-dir",
        str(tmp_path),
    )
    arguments = (folder / "arguments").read_text().splitlines()
    (since,) = [float(word.removeprefix("--since=@")) for word in arguments if word.startswith("--since")]

    assert {
        "--unit=camwatchd.service",
        "--output=json",
        "CAMERA=cam0",
        "FAULT=buffer-queue",
        "FAULT=frames-stopped",
    } < set(arguments)
    ends = arguments[arguments.index("+") + 1 :]
    assert ends[:2] == ["CAMERA=cam0", "EVENT=alert.recovery"]
    assert abs(time.time() - since - 24 * 3600) < 60
    assert [event["fault"] for event in events] == ["buffer-queue"]
    faults = analysis["trend"][0]
    # The journal has 8 of the 12 hours before.
    assert (round(faults["per_day"]), round(faults["before"]), faults["change"]) == (2, 60, "falling")


def test_without_permission_it_says_which_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """journalctl hides what a user may not see: an empty log would be a lie."""
    monkeypatch.setenv("PATH", f"{journalctl(tmp_path, complaint=_HINT)}:{os.environ['PATH']}")

    status, out, err = run(capsys, "--state-dir", str(tmp_path))

    assert (status, out) == (77, "")
    assert "may not be read by this user" in err
    assert "sudo usermod -aG systemd-journal" in err


def test_a_journal_that_breaks_off_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a rotten card journalctl gives up half way: what it gave is shown and analysed, and that is no success."""
    now = time.time() - NOON
    folder = journalctl(tmp_path, [journals(now - 60, "camera.started", camera="cam0")])
    (folder / "damage").touch()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    status, out, err = run(capsys, "--state-dir", str(tmp_path))

    assert (status, "camera.started" in out, "camera faults: none" in out) == (69, True, True)
    assert "there may be more than it could show" in err


def test_without_journalctl_it_asks_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no journal at all, a file can be read."""
    monkeypatch.setenv("PATH", str(tmp_path))

    status, _, err = run(capsys, "--state-dir", str(tmp_path))

    assert status == 69
    assert "--file FILE" in err


@pytest.mark.parametrize(
    ("state", "says"), [("active", ""), ("inactive", "nothing new comes until camwatchd is")]
)
def test_following_ends_clean_on_ctrl_c(state: str, says: str, tmp_path: Path) -> None:
    """What is logged is shown at once, who would wait in vain is told; it ends with the analysis and status 0."""
    program(tmp_path, "systemctl", f"#!/bin/sh\necho ActiveState={state}\n")
    folder = journalctl(
        tmp_path, [journals(0, "alert.recovery", "notice", camera="cam0", rung="restart-worker")]
    )
    command = [sys.executable, "-c", _COMMAND, "logs", "--follow"]
    environ = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}

    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=30)

    assert "alert.recovery" in first
    assert (process.returncode, bool(err), says in err) == (0, bool(says), True)
    assert "1 recovery" not in first
    assert "1 event of cameras" in rest
    arguments = (folder / "arguments").read_text().splitlines()
    assert {"--follow", "--lines=10"} < set(arguments)


def test_a_log_can_be_piped_in(log_file: str) -> None:
    """`--file -` reads what another program says."""
    command = [sys.executable, "-c", _COMMAND, "logs", "--file", "-", "--json"]
    with open(log_file) as lines:
        done = subprocess.run(command, stdin=lines, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout.splitlines()[-1])["events"] == 22


def test_a_long_log_takes_no_more_memory(tmp_path: Path) -> None:
    """Of 20 MB nothing but counts is kept, whatever names they hold."""
    file = tmp_path / "long"
    with file.open("w") as stream:
        for number in range(5000):
            stream.write(
                ours(
                    number,
                    "alert.capture_failure",
                    camera=f"c{number}",
                    fault=f"f{number}",
                    filler="x" * 4000,
                )
                + "\n"
            )
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, (30 << 20,) * 2); {_COMMAND}"
    command = [sys.executable, "-c", limited, "logs", "--recent-errors", "--file", str(file)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "5000 events" in done.stdout


def test_what_the_daemon_logs_is_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The names of events and facts that the analysis goes by are the narrator's own."""
    file = tmp_path / "log"
    story: list[ev.Effect] = [
        ev.SayFailure("frames-stopped", "", 1, 3), ev.SayHiccup(1, 0.5), ev.SayFailure("frames-stopped", "", 1, 3),
        ev.SayFault("frames-stopped", "", 1.0), ev.Perform(Rung.RESTART_STREAM, 1),
        ev.SayAttemptFailed(Rung.RESTART_STREAM, 1, "no", 5.0), ev.Perform(Rung.RESTART_WORKER, 1),
        ev.SayCritical("frames-stopped", "x"), ev.SayRecovered("frames-stopped", Rung.RESTART_WORKER, 1, 9.0),
        ev.SayFault("busy", "", None), ev.SayAttemptFailed(Rung.RESTART_WORKER, 0, "busy", 1.0),
        ev.SayRecovered("busy", None, 0, 9.0),
    ]  # fmt: skip
    with file.open("wb") as stream:
        narrator = Narrator("cam0", log.build("json", "debug", stream.fileno(), {}))
        for effect in story:
            narrator.tell(effect, Policy(), 1, "frames-stopped")
    _, analysis = answered(capsys, "--file", str(file))

    assert {row["fault"]: row["count"] for row in analysis["faults"]} == {"frames-stopped": 1, "busy": 1}
    assert {row["rung"]: (row["attempts"], row["cured"]) for row in analysis["rungs"]} == {
        "retry": (2, 1), "restart-stream": (1, 0), "restart-worker": (1, 1), "probe": (1, 0),
    }  # fmt: skip
    assert (analysis["recoveries"], analysis["by_itself"], analysis["critical"]) == (2, 1, 1)
    assert analysis["open"] == []
