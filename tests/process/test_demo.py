# SPDX-License-Identifier: MIT
"""The demo tells the truth: what it shows comes from the real daemon, and it leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

from camwatchd.adapters.config import load
from camwatchd.cli.reader import STATUS
from camwatchd.core.ladder import Rung
from camwatchd.demo import acts
from camwatchd.demo.tale import Event, Tale

_PATIENCE = 100.0  # seconds; the demo gives up by itself before


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["Demo"]:
    """A demo that is gone at the end of the test, whatever happens in it."""
    running = Demo(tmp_path)
    yield running
    running.kill()


@pytest.fixture(scope="module", autouse=True)
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Demo"]]:
    """Plays that take long and mostly wait: they run while the other tests of this file do."""
    demos = {play: Demo(tmp_path_factory.mktemp("demo")) for play in ("quick", "too-high-a-rung")}
    for play, demo in demos.items():
        demo.start(play)
    yield demos
    for demo in demos.values():
        demo.kill()


class Demo:
    """One run of the demo in a session of its own, so that everything it started can be found."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self, play: str, stdout: int | IO[bytes] = subprocess.PIPE) -> None:
        """Start one of the rig's plays."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.process.demo_rig", play],
            stdout=stdout, stderr=subprocess.STDOUT if stdout == subprocess.PIPE else subprocess.PIPE,
            text=True, start_new_session=True, env={**os.environ, "TMPDIR": str(self._folder)},
        )  # fmt: skip

    @property
    def process(self) -> "subprocess.Popen[str]":
        assert self._process is not None
        return self._process

    def wait_for(self, words: str) -> str:
        """Read until a line has these words; that line."""
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if words in line), None)
        assert line is not None, f"the demo ended without saying {words!r}"
        return line

    def finish(self) -> tuple[int, str]:
        """Its exit status and what else it said."""
        rest, _ = self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode, rest

    def processes(self) -> dict[int, str]:
        """The processes of its session that run, with their command lines."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended while we looked
            if int(fields[3]) == self.process.pid and fields[0] not in "ZX":
                found[int(entry.name)] = command
        return found

    def leftovers(self) -> tuple[dict[int, str], list[Path]]:
        """What it left behind: processes and files."""
        return self.processes(), list(self._folder.iterdir())

    def kill(self) -> None:
        """Whatever is left of it."""
        if self._process is None:
            return
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()


def _cells(output: str) -> list[list[str]]:
    """The rows of the table: columns are at least two spaces apart."""
    lines = output.split("act  fault")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


@pytest.mark.parametrize(
    ("play", "words", "cured"),
    [
        ("never-cured", "It was started as", 0),
        ("never-cured", "act 1 of 1", 0),
        ("never-cured", "capture 1 of 3 failed", 0),
        ("refuses-to-die", "restart-worker, attempt 1", 0),
        ("too-high-a-rung", "healthy again by", 1),
    ],
)
def test_ctrl_c_ends_it_at_any_moment(demo: Demo, play: str, words: str, cured: int) -> None:
    """Ctrl-C ends daemon and workers, shows the table as far as it is known, and gives status 130."""
    demo.start(play)
    demo.wait_for(words)
    os.killpg(demo.process.pid, signal.SIGINT)

    status, output = demo.finish()

    assert status == 130
    assert f"Interrupted after {cured} of 1 acts" in output
    assert len(_cells(output)) == 1
    assert "Traceback" not in output
    assert demo.leftovers() == ({}, [])


def test_a_daemon_that_dies_is_told(demo: Demo) -> None:
    """If the daemon itself dies, the demo does not wait for ever: it says so and fails."""
    demo.start("never-cured")
    demo.wait_for("capture 1 of 3 failed")
    os.kill(next(pid for pid, line in demo.processes().items() if "-m camwatchd " in line), signal.SIGKILL)

    status, output = demo.finish()

    assert status == 1
    assert "the daemon ended by itself" in output
    assert "was not cured; retry should have" in output


def test_a_reader_that_leaves_ends_it(demo: Demo) -> None:
    """`make demo | head` ends the daemon too, without a traceback."""
    reader, writer = os.pipe()
    demo.start("never-cured", writer)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)

    status = demo.process.wait(_PATIENCE)

    assert demo.process.stderr is not None
    assert status == STATUS
    assert demo.process.stderr.read() == ""
    assert demo.leftovers() == ({}, [])


def test_every_act_is_cured_by_its_own_rung(long: dict[str, Demo]) -> None:
    """Five faults of the real daemon end in status 0, five headings, and five complete rows."""
    status, output = long["quick"].finish()

    rows = _cells(output)
    assert status == 0, output
    assert [f"act {n} of 5: {act.title}" in output for n, act in enumerate(acts.ACTS, 1)] == [True] * 5
    assert [row[3] for row in rows] == [act.cure for act in acts.ACTS]
    assert [row[1] for row in rows] == [
        "frames-stopped", "frames-stopped", "frozen-picture", "worker-crashed", "worker-silent",
    ]  # fmt: skip
    assert [len(row) for row in rows] == [7] * 5
    assert "-" not in [cell for row in rows for cell in row]
    assert "\x1b" not in output
    assert long["quick"].leftovers() == ({}, [])


def test_cured_by_another_rung_is_a_failure(long: dict[str, Demo]) -> None:
    """A fault that a higher rung had to cure ends in status 1, and the demo says what was expected."""
    status, output = long["too-high-a-rung"].finish()

    assert status == 1
    assert "a hiccup: was cured by restart-stream; it should have been retry" in output


def test_the_configuration_is_a_real_one(tmp_path: Path) -> None:
    """The demo's own configuration passes the daemon's check, with one scripted fault for each act."""
    file = tmp_path / "config.toml"
    file.write_text(acts.configuration(acts.SETTINGS, acts.ACTS))

    camera = load(file, tmp_path / "conf.d").settings.cameras[0]

    assert camera.backend == "simulated"
    assert [fault.until for fault in camera.fault if fault.until] == [
        a.cure for a in acts.ACTS if "until" in a.script
    ]
    assert len(camera.fault) == len(acts.ACTS)


def test_each_act_starts_at_the_foot_of_the_ladder(tmp_path: Path) -> None:
    """Between two faults there are more healthy frames than `stable_after` needs, the frozen ones not counted."""
    file = tmp_path / "config.toml"
    file.write_text(acts.configuration(acts.SETTINGS, acts.ACTS))
    settings = load(file, tmp_path / "conf.d").settings
    camera = settings.cameras[0]

    begins = [fault.at_frame or 0 for fault in camera.fault]
    frozen = [30 * camera.checks.frozen_after * (fault.kind == "frozen") for fault in camera.fault]
    pauses = [
        (after - before - lost) / 30 for before, after, lost in zip(begins, begins[1:], frozen, strict=False)
    ]

    assert min(pauses) > settings.supervision.stable_after + 1


def _tell(events: Sequence[Event], began: float | None = 10.0) -> Tale:
    tale = Tale([acts.ACTS[1]])
    for event in events:
        tale.hear(event, [began])
    return tale


def _event(name: str, at: float, **facts: object) -> Event:
    return {"event": name, "monotonic": at, **facts}


_FAILED = _event("capture.failed", 11.5, suspicion="frames-stopped", health_score=90)
_ALERT = _event("alert.capture_failure", 14.5, fault="frames-stopped", health_score=70)
_BACK = _event("alert.recovery", 15.0, rung="restart-stream", health_score=100)
_SUMMARY = _event("camera.summary", 16.0, availability=0.5)


def test_a_row_is_reckoned_from_events() -> None:
    """Noticed is the alert, back is the recovery, both since the fault began; health is the lowest and the last."""
    tale = _tell([_FAILED, _ALERT, _BACK, _SUMMARY])

    assert tale.rows[0].cells(1) == (
        "1", "frames-stopped", "4.5 s", "restart-stream", "5.0 s", "70 -> 100", "50.0 %",
    )  # fmt: skip
    assert tale.over


def test_a_hiccup_is_noticed_by_its_failed_capture() -> None:
    """Without an alert the first failed capture is what was noticed."""
    ended = _event("camera.hiccup_ended", 11.6, rung="retry", health_score=100)

    tale = _tell([_FAILED, ended, _SUMMARY])

    assert tale.rows[0].cells(1)[2:5] == ("1.5 s", "retry", "1.6 s")
    assert tale.complaints() == [
        f"frames stop: was cured by retry; it should have been {Rung.RESTART_STREAM}"
    ]


def test_trouble_that_nobody_scripted_is_not_told_as_an_act() -> None:
    """Events before a fault began, or after it was cured, leave its row alone."""
    early = _tell([_FAILED, _BACK, _SUMMARY], began=None)
    late = _tell([_FAILED, _ALERT, _BACK, _SUMMARY, {**_ALERT, "monotonic": 20.0}])

    assert early.complaints() == ["frames stop: did not take place"]
    assert late.rows[0].cells(1)[2] == "4.5 s"


def test_frames_that_return_by_themselves_are_no_cure() -> None:
    """A cure that came by itself is not taken for a rung's."""
    tale = _tell([_FAILED, _ALERT, {**_BACK, "rung": None}, _SUMMARY])

    assert tale.complaints() == [
        f"frames stop: was cured by itself; it should have been {Rung.RESTART_STREAM}"
    ]
