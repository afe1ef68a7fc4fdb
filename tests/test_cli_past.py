# SPDX-License-Identifier: MIT
"""`history` and `incident` tell what happened, from the ledger alone, to whoever may read it."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from camwatchd import cli
from camwatchd.adapters import rundir
from camwatchd.adapters.ledger_story import Asked, Boot, End, Headline, History, Incident, Step
from camwatchd.cli import history, history_text, incident, incident_text
from camwatchd.core import records as rec
from camwatchd.core.drills import MARK
from camwatchd.core.flight import Before, HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import to_plain
from tests.adapters.ledger_rig import FAULT, ask, start
from tests.adapters.test_ledger_flight import OLD
from tests.control.rig import STRANGER, open_folder
from tests.process.daemon import QUICK, camera, daemon
from tests.test_cli_control import run
from tests.test_package import section

_OTHER_USER = """
import os, sys
import shutil  # argparse does that late, when a stranger may not read our Python any more; below: so do the verbs
from camwatchd.adapters import ledger_reading, ledger_story, rundir
from camwatchd.cli import history_text, main
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
sys.exit(main(sys.argv[2:]))
"""
_DOWN = ("status", "--socket", "/nowhere")
_GIGABYTE = 1 << 30
ASKED = Asked(
    camera="cam0", fault=FAULT, at=7000.0, wall="2026-11-22 21:19:40", into_boot=7000.0, observed=False, helped=True
)  # fmt: skip
FIRST = Boot(
    number=4, id="b-4", wall="2026-11-22 19:23:00", at=0.0, uptime=7020.0, after=None, after_reboot=None,
    end=End.REBOOT_ASKED, starts=2, service_restarts=1, healthy=("cam0",), asked=(ASKED,),
)  # fmt: skip
NOW = Boot(
    number=5, id="b-5", wall="2026-11-22 21:20:30", at=7020.0, uptime=14400.0, after=End.REBOOT_ASKED,
    after_reboot=ASKED, end=End.NOT_YET, starts=1, service_restarts=0, healthy=(), asked=(),
)  # fmt: skip
ENDED = Headline(
    number=11, camera="cam0", boot="b-4", at=6600.0, wall="2026-11-22 21:13:00", fault=FAULT, evidence="no frame",
    ended=f"the reboot for cam0 ({FAULT}); it helped", seconds=400.0, failed_attempts=6, trimmed=False, parked=False,
)  # fmt: skip
OPEN = replace(
    ENDED, number=12, camera="cam1", boot="b-5", at=7100.0, wall="2026-11-22 21:22:00", fault="busy", ended="",
    seconds=0.0, failed_attempts=1, parked=True,
)  # fmt: skip
WISHED = replace(ASKED, observed=True, helped=None, wall="2026-11-23 01:02:03")
WISH = 'for cam0 (frames-stopped) {} would have been asked for, but for [reboot] mode = "observe"'
PAST = History(now=21420.0, boots=(NOW, FIRST), incidents=(OPEN, ENDED), keep_incidents=500, keep_days=400.0)
HOST = HostFacts(
    board="Raspberry Pi 4 Model B Rev 1.4", kernel="6.6.51", camwatchd="0.1.0", uptime=7000.0, temperature=81.4,
    under_voltage=True, throttled="0x50005", cpu_mhz=600.0, cpu_mhz_most=1800.0, load=0.42,
    memory_available=_GIGABYTE, memory_total=4 * _GIGABYTE, cma_free=1 << 20, cma_total=256 << 20,
)  # fmt: skip
STORY = Incident(
    headline=ENDED, boot_number=4, into_boot=6600.0,
    steps=(
        Step(at=6600.0, after=0.0, rung="", attempt=0, outcome="named", reason=f"{FAULT}: no frame", seconds=0.0),
        Step(at=6612.0, after=12.0, rung="restart-stream", attempt=1, outcome="failed", reason="late", seconds=5.2),
        Step(at=7000.0, after=400.0, rung="reboot", attempt=0, outcome="granted", reason="", seconds=0.0),
    ),
    kernel=("kernel: [1] unicam gone",), words=("ERROR RPI",),
    before=Before(
        model="imx708", camera_id="/base/i2c@1", versions={"libcamera": "0.5.2"}, fps=29.94, last_frame_age=1.51,
        sequence=107640, latency=0.012, latency_max=0.034, brightness=101.0, deviation=40.2, captures=107640,
        failures=3, outages=1, availability=0.99998,
    ),
    host=HOST, host_last=HostFacts(trouble="not read within 1.5 s"),
)  # fmt: skip


# --- how it reads ---------------------------------------------------------------------------------------------


def test_the_history_begins_with_what_is_wanted_at_night() -> None:
    """What is open, and why the Pi rebooted; then a line for each boot and incident, the newest first."""
    assert history_text.text(PAST, ["a note"]).splitlines() == [
        "OPEN: cam1: busy since 2026-11-22 21:22:00; see: camwatchctl incident 12",
        "last reboot asked for by camwatchd: 2026-11-22 21:19:40, for cam0 (frames-stopped): it helped",
        "",
        "2026-11-22 21:22:00  incident 12    cam1: busy: OPEN, last written 0.00 s after it began "
        "(1 attempt failed, parked)",
        "2026-11-22 21:20:30  boot 5         after a reboot that camwatchd asked for, for cam0 (frames-stopped): "
        "it helped; up at least 4 h so far; no camera was healthy",
        "2026-11-22 21:13:00  incident 11    cam0: frames-stopped: the reboot for cam0 (frames-stopped); it helped, "
        "after 7 min (6 attempts failed)",
        "2026-11-22 19:23:00  boot 4         the ledger begins here; up at least 117 min; 2 starts of the service",
        "",
        "note: a note",
        "the newest 500 incidents are kept, for 400 days in which the machine is on; one of them whole: "
        "camwatchctl incident ID",
    ]


@pytest.mark.parametrize(
    ("boot", "says"),
    [
        (replace(NOW, after=End.UNEXPLAINED, after_reboot=None), "after power loss, panic, hardware watchdog or"),
        (replace(NOW, after=End.CLEAN_STOP, after_reboot=None), "after a clean stop of camwatchd"),
        (replace(NOW, after_reboot=replace(ASKED, helped=None)), "whether it helped is not known yet"),
        (replace(NOW, after_reboot=replace(ASKED, helped=False)), "it did not help"),
        (replace(NOW, asked=(WISHED,)), f"; {WISH.format('a reboot')}"),
        (replace(NOW, asked=(WISHED, WISHED)), f"; {WISH.format('2 reboots')}"),
    ],
)  # fmt: skip
def test_each_boot_says_why_there_was_one(boot: Boot, says: str) -> None:
    """Asked for and with what effect, or by whom it was stopped, or that nobody knows."""
    assert says in history_text.text(replace(PAST, boots=(boot,)), [])


def test_a_quiet_past_is_said_too() -> None:
    """Nothing open, no reboot; and that the clock has jumped, where it has."""
    late = replace(FIRST, wall="2036-01-01 00:00:00", asked=())
    lines = history_text.text(replace(PAST, boots=(NOW, late), incidents=(ENDED,)), []).splitlines()

    assert ["no incident is open", "camwatchd has asked for no reboot in this time"] == lines[:2]
    wished = history_text.text(replace(PAST, boots=(replace(NOW, asked=(WISHED,)), late)), []).splitlines()
    would = '2026-11-23 01:02:03, for cam0 (frames-stopped), but for [reboot] mode = "observe"'
    assert [lines[1], f"a reboot would have been asked for: {would}"] == wished[1:3]
    went = history_text.text(replace(PAST, boots=(FIRST,)), [])
    assert went.startswith("open when the machine went down: cam1: busy since")
    assert "note: the clock has jumped; the order is right, the times are as the machine had them" in lines


def test_an_incident_tells_its_whole_story() -> None:
    """What happened, each rung with outcome and duration, frames, machine, versions, and who said what."""
    assert incident_text.text(STORY).splitlines() == [
        "incident 11: cam0: frames-stopped: the reboot for cam0 (frames-stopped); it helped, after 7 min "
        "(6 attempts failed)",
        "  meaning   no frame arrived and nothing gave a reason",
        "  began     2026-11-22 21:13:00, 110 min into boot 4 (b-4)",
        "  evidence  no frame",
        "  camera    imx708 /base/i2c@1",
        "",
        "what was tried",
        "  +0.00 s    named: frames-stopped: no frame",
        "  +12 s      restart-stream 1 failed after 5.2 s: late",
        "  +7 min     reboot granted",
        "",
        "the camera before the fault",
        "  29.9 fps, the last frame 1.5 s old, number 107640, latency 12 ms (at most 34 ms)",
        "  107640 captures, 3 failed, 0 late, 0 dropped; 1 outage, available 99.998 %",
        "  brightness 101 of 255, deviation 40.2",
        "",
        "the machine",
        "  Raspberry Pi 4 Model B Rev 1.4",
        "  first: 81 degrees C, UNDER-VOLTAGE, throttled 0x50005 (under-voltage, throttled, under-voltage since "
        "boot, throttled since boot), processor at 600 of 1800 MHz, CMA 1 of 256 MiB free, memory 1024 of 4096 MiB "
        "available, load 0.42, up 117 min",
        "  last:  unknown: not read within 1.5 s",
        "",
        "versions",
        "  camwatchd 0.1.0, kernel 6.6.51, libcamera 0.5.2",
        "",
        "what the kernel said about cameras",
        "  | kernel: [1] unicam gone",
        "",
        "what the worker wrote last",
        "  | ERROR RPI",
    ]


def test_what_is_not_known_has_no_block() -> None:
    """Of an incident that an older version wrote, or of a camera that gave no frame, nothing is made up."""
    bare = replace(STORY, before=None, host=None, host_last=None, kernel=(), words=(), boot_number=0)
    lines = incident_text.text(bare).splitlines()

    assert ["what was tried"] == [line for line in lines[1:] if line and not line.startswith("  ")]
    assert "in a boot that is no longer in the ledger" in lines[2]
    assert "  no frame since the daemon took it" in incident_text.text(replace(bare, before=Before()))


def test_a_step_says_what_it_was() -> None:
    """A probe is none of the attempts, and what ends by itself took nobody any time."""
    probe = Step(
        at=0, after=60, rung="restart-worker", attempt=0, outcome="failed", reason="held", seconds=2
    )
    itself = replace(probe, rung="", outcome="succeeded", reason="", seconds=0.0)
    cured = replace(probe, attempt=2, outcome="succeeded", reason="", seconds=0.1)

    assert [
        "+60 s      a probe failed after 2.0 s: held", "+60 s      healthy by itself",
        "+60 s      restart-worker 2 succeeded after 0.10 s",
    ] == [incident_text.step(one) for one in (probe, itself, cured)]  # fmt: skip


def test_what_was_not_kept_is_said() -> None:
    """Of a long incident the middle is missing, and the count is a least one."""
    long = replace(STORY, headline=replace(ENDED, trimmed=True), steps=STORY.steps[1:2] * 40)
    lines = incident_text.text(long).splitlines()

    assert 10 == lines.index("  ... what came between is not kept") - lines.index("what was tried") - 1
    assert "(at least 6 attempts failed)" in lines[0]


def test_nothing_that_was_said_commands_the_terminal() -> None:
    """Whatever a camera stack writes or a device calls itself."""
    assert "  | ?[31mred?" in incident_text.text(replace(STORY, words=("\x1b[31mred\x07",))).splitlines()


# --- the verbs ------------------------------------------------------------------------------------------------


def written(folder: Path) -> Path:
    """A ledger of two boots, this one among them, with an incident in each."""
    with start(folder, "boot-1", uptime=7300.0) as ledger:
        ledger.write(
            rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"), rec.IncidentOpened("cam0", FAULT, "no frame")
        )
        ledger.leave(ask())
    with start(folder, rundir.boot_id()) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"))
        ledger.write(rec.IncidentOpened("cam1", "busy", "held", ("password=hunter2 at rtsp://me:it@host/",)))
    return folder


def told(capsys: pytest.CaptureFixture[str], folder: Path, *argv: str) -> tuple[int, Any]:
    """Exit status and JSON of a verb."""
    status, out, err = run(capsys, *argv, "--json", "--state-dir", str(folder))
    assert err == ""
    return status, json.loads(out)


def test_json_and_text_tell_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the daemon down; the exit status says whether an incident is open."""
    folder = written(tmp_path)
    status, past = told(capsys, folder, "history")
    _, newest = told(capsys, folder, "incident")
    over, first = told(capsys, folder, "incident", "last", "--camera", "cam0")
    texts = [run(capsys, *argv, "--state-dir", str(folder)) for argv in (["history"], ["incident", "1"])]

    assert (1, [2, 1], ["not-yet", "reboot-asked"]) == (
        status, [one["number"] for one in past["incidents"]], [boot["end"] for boot in past["boots"]],
    )  # fmt: skip
    assert past["boots"][1]["asked"][0]["helped"] is True
    assert (0, 1, f"the reboot for cam0 ({FAULT}); it helped") == (over, first["number"], first["ended"])
    assert {**past["incidents"][0], "meaning": newest["meaning"]}.items() <= newest.items()
    assert {
        "boot_number",
        "into_boot",
        "steps",
        "kernel",
        "words",
        "before",
        "host",
        "host_last",
    } <= newest.keys()
    assert [1, 0] == [status for status, _, _ in texts]
    assert "it helped" in texts[0][1]
    assert texts[1][1].startswith("incident 1: cam0: frames-stopped: the reboot")


def _names(value: Any) -> set[str]:
    """Every key in it, at any depth; but not those of versions, which are packages."""
    if isinstance(value, list):
        return set().union(*map(_names, value))
    if not isinstance(value, dict):
        return set()
    inner = (item for name, item in value.items() if name != "versions")
    return {*value, *set().union(*map(_names, inner))}


@pytest.mark.parametrize("verb", ["history", "incident"])
def test_the_man_page_has_every_key_of_the_json(verb: str) -> None:
    """What programs rely on is documented, where the verb is; of an incident with all that can be known of it."""
    verbs = section("camwatchctl.1", "VERBS").split("\n.It Cm ")
    (text,) = [page for page in verbs if page.startswith(f"{verb} ")]
    documented = set(" ".join(re.findall(r"^\.(?:Pq )?Em (.*)", text, re.MULTILINE)).split())
    told = {
        "history": _names(history.document(PAST, ())),
        "incident": _names(incident.document(STORY)) - _names(to_plain(ENDED)),  # which history has
    }

    assert told[verb] <= documented


def test_days_and_camera_choose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one camera; of the last powered-on days; what is no number of days is refused."""
    folder = written(tmp_path)
    cam0 = told(capsys, folder, "history", "--camera", "cam0")[1]["incidents"]
    recent = told(capsys, folder, "history", "--days", "0.001")[1]

    assert (["cam0"], 1, [2]) == (
        [one["camera"] for one in cam0], len(recent["boots"]), [one["number"] for one in recent["incidents"]],
    )  # fmt: skip
    for wrong in ("0", "-1", "many", "inf"):
        with pytest.raises(SystemExit, match="2"):
            cli.main(["history", "--days", wrong])


def test_history_by_fault_and_without_drills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By a fault's or an alert's name; a drill is marked, is not open, and may be left out."""
    with start(written(tmp_path), rundir.boot_id(), "other") as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam1"))
        ledger.write(rec.IncidentOpened("cam1", "worker-crashed", f"{MARK}: signal 11"))
    busy = told(capsys, tmp_path, "history", "--fault", "busy", "--fault", FAULT)[1]["incidents"]
    alert = told(capsys, tmp_path, "history", "--fault", "connection_error")[1]["incidents"]
    every = told(capsys, tmp_path, "history")
    real = told(capsys, tmp_path, "history", "--no-drills")[1]["incidents"]
    status, text, _ = run(capsys, "history", "--state-dir", str(tmp_path))

    assert ([2, 1], [2]) == ([one["number"] for one in busy], [one["number"] for one in alert])
    assert [(3, True), (2, False), (1, False)] == [
        (one["number"], one["drill"]) for one in every[1]["incidents"]
    ]
    assert [2, 1] == [one["number"] for one in real]
    assert (0, 0) == (every[0], status)
    assert "cam1: DRILL: worker-crashed: OPEN" in text
    assert text.startswith("no incident is open")
    assert 0 == told(capsys, tmp_path, "incident", "3")[0]


def test_an_incident_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and which there are; no ledger is 69, with a hint."""
    folder = str(written(tmp_path / "state"))
    wrong = run(capsys, "incident", "7", "--state-dir", folder)
    other = run(capsys, "incident", "--camera", "cam9", "--state-dir", folder)
    nowhere = run(capsys, "history", "--state-dir", str(tmp_path / "nowhere"))

    assert (2, "") == wrong[:2]
    assert "there is no incident 7; the ledger has 1 to 2" in wrong[2]
    assert (2, True) == (other[0], "knows no camera cam9\n  hint: it knows cam0, cam1" in other[2])
    assert (69, "") == nowhere[:2]
    assert "there is no ledger\n  hint: camwatchd writes it" in nowhere[2]


def test_what_is_odd_about_the_ledger_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of an older version, one set aside beside it, and that the daemon has not run in this boot."""
    (tmp_path / "ledger.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    (tmp_path / "ledger.db.damaged-2026-11-01T0000").touch()
    notes = told(capsys, tmp_path, "history")[1]["notes"]

    assert ["older camwatchd (version 1)", "has not run yet", "ledger.db.damaged-2026-11-01T0000"] == [
        part for part, note in zip(
            ("older camwatchd (version 1)", "has not run yet", "ledger.db.damaged-2026-11-01T0000"), notes, strict=True
        ) if part in note
    ]  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_group_may_read_and_others_may_not() -> None:
    """With the modes of the unit (0750, UMask 0027) a member of the group reads, and a stranger hears why not."""
    with open_folder() as folder:
        old = os.umask(0o027)
        try:
            written(folder / "state")
        finally:
            os.umask(old)
        for path in (folder / "state", *(folder / "state").iterdir()):
            os.chown(path, 0, STRANGER + 1)
        done = [
            subprocess.run(
                [sys.executable, "-c", _OTHER_USER, str(who), *verb, "--state-dir", str(folder / "state")],
                capture_output=True, text=True, check=False,
            )
            for who, *verb in ((STRANGER + 1, "history"), (STRANGER, "history"), (STRANGER, *_DOWN))
        ]  # fmt: skip

    assert [1, 77, 69] == [one.returncode for one in done], done
    assert "this user may not read it" in done[2].stderr
    assert "sudo usermod -aG camwatchd" in done[2].stderr
    assert done[0].stdout.startswith("OPEN: cam1: busy since")
    assert "sudo usermod -aG camwatchd" in done[1].stderr


# --- a daemon -------------------------------------------------------------------------------------------------


def test_a_daemon_that_is_killed_leaves_the_story_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a power cut would: while it writes it is read, and then the open incident has words, frames and attempts."""
    said = "[0:04:11.187898530] [1541] ERROR RPI pipeline_base.cpp:1367 something new is wrong"
    faults = {"kind": "stderr", "at": 1, "message": said}, {"kind": "stall", "at": 1}
    retention = "[ledger]\nkeep_incidents = 10\nkeep_days = 7.5\n"
    with daemon(tmp_path, QUICK + retention + camera("cam0", *faults)) as rig:
        rig.event("ladder.attempt_failed", camera="cam0")

        def failed() -> dict[str, Any]:
            _, one = told(capsys, tmp_path / "state", "incident")
            return one if any(step["outcome"] == "failed" for step in one["steps"]) else {}

        one = rig.until(failed)
        (tmp_path / "config.toml").write_text(
            QUICK + retention.replace("10", "20") + camera("cam0", *faults)
        )
        rig.signal(signal.SIGHUP)
        rig.until(lambda: told(capsys, tmp_path / "state", "history")[1]["keep_incidents"] == 20)
        rig.process.kill()
        rig.process.wait()
    status, past = told(capsys, tmp_path / "state", "history")

    assert (1, "", FAULT) == (status, one["ended"], one["fault"])
    assert [said] == [line for line in one["words"] if "something new" in line]
    assert ("simulated", True) == (one["before"]["model"], one["before"]["captures"] > 0)
    assert one["before"]["versions"]["numpy"]
    assert one["host"]["memory_total"] > 0
    assert Rung.RESTART_STREAM.value in [step["rung"] for step in one["steps"]]
    assert (20, 7.5) == (past["keep_incidents"], past["keep_days"])
