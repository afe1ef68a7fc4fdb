# SPDX-License-Identifier: MIT
"""Nobody is told of reboots that systemd would not do: what is configured stands beside what is in effect."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.cli import arming, asking, documents, status
from camwatchd.cli.absence import Absence
from camwatchd.cli.arming import Arming
from camwatchd.cli.last_known import LastKnown
from camwatchd.cli.sparing import Sparing
from camwatchd.cli.status_detail import detailed
from camwatchd.cli.status_text import text
from tests import schemas
from tests.control.rig import Running
from tests.test_cli_control import daemon, run, systemctl
from tests.test_cli_status import DAEMON, HEALTHY, facts

__all__ = ["daemon", "systemctl"]  # the fixtures

REBOOTS = {"LoadState": "loaded", "MainPID": "812", "StartLimitAction": "reboot", "DropInPaths": ""}
OVERRIDE = {
    **REBOOTS,
    "StartLimitAction": "none",
    "DropInPaths": "/etc/systemd/system/camwatchd.service.d/x.conf",
}
ASKED = facts(HEALTHY)
OBSERVING = facts(HEALTHY, daemon=replace(DAEMON, reboot_mode="observe"))


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    """A machine on which the guard is whole."""
    for name, mode in (
        ("lib/camwatchd/guard", 0o755),
        ("lib/systemd/system-generators/camwatchd-guard", 0o755),
    ):
        file = tmp_path / "usr" / name
        file.parent.mkdir(parents=True)
        file.touch(mode)
    return tmp_path


def judged(root: Path, mode: str = "armed", known: Mapping[str, str] = REBOOTS) -> Arming:
    """What is made of it."""
    found = arming.judged(mode, known, root)
    assert found is not None
    return found


def last_lines(found: Arming | None) -> list[str]:
    """What the status says of the daemon."""
    return text(ASKED, found).splitlines()[4:]


def test_what_is_in_effect_is_as_configured(guarded: Path) -> None:
    """Then nothing is said beside the mode."""
    armed, off = judged(guarded), judged(guarded, "off", {**REBOOTS, "StartLimitAction": "none"})

    assert (armed.armed, off.armed, armed.trouble, off.trouble) == (True, False, "", "")
    assert last_lines(armed) == last_lines(None)
    assert last_lines(None)[0].endswith("; reboots armed")


def test_a_drop_in_disarms(guarded: Path) -> None:
    """Text, particulars and JSON say so, and who did it."""
    found = judged(guarded, known=OVERRIDE)
    first, why = last_lines(found)

    assert first.endswith("; reboots armed, but that is not in effect")
    assert why == (
        "reboots: nothing reboots: StartLimitAction=none is in effect, by "
        "/etc/systemd/system/camwatchd.service.d/x.conf; see: camwatchctl doctor"
    )
    assert "  at the start limit     StartLimitAction=none\n" in detailed(ASKED, found)
    written = documents.status_document(ASKED, found)
    assert (written["reboots"]["mode"], written["reboots"]["armed"]) == ("armed", False)
    assert (schemas.mistakes(written, "status"), schemas.strangers(written, "status")) == ([], [])


def test_the_guard_says_why_it_is_closed(guarded: Path) -> None:
    """Its drop-in has the reason; one without is named all the same."""
    drop_in = guarded / "run/systemd/generator/camwatchd.service.d/zz-camwatchd-guard.conf"
    drop_in.parent.mkdir(parents=True)
    for comment, why in (("# because\n# 2 boots failed\n", "2 boots failed"), ("", "it does not say why")):
        drop_in.write_text(f"{comment}[Unit]\nStartLimitAction=none\n")
        assert judged(guarded, known=OVERRIDE).trouble == (
            f"nothing reboots in this boot: the guard does not let it, because {why}"
        )


def test_reboots_that_were_switched_off_and_are_not(guarded: Path) -> None:
    """As long as nobody has had systemd look again."""
    found = judged(guarded, "observe")

    assert "  reboots                observe, but that is not in effect\n" in detailed(OBSERVING, found)
    assert "systemd reboots all the same if the service fails again and again" in last_lines(found)[1]


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("lib/camwatchd/guard", "/usr/lib/camwatchd/guard is missing"),
        ("lib/systemd", "its generator, which systemd"),
    ],
)
def test_without_the_guard_they_have_no_end(gone: str, words: str, guarded: Path) -> None:
    """They are armed, but nobody ends them."""
    (guarded / "usr" / gone).rename(guarded / "gone")
    found = judged(guarded)

    assert (found.armed, found.in_effect) == (True, True)
    assert found.trouble.startswith(f"they have no end if they do not help: {words}")


@pytest.mark.parametrize(
    "known",
    [
        {}, {**OVERRIDE, "MainPID": "813"}, {**OVERRIDE, "LoadState": "not-found"},
        {"LoadState": "loaded", "MainPID": "812"},
    ],
)  # fmt: skip
def test_nothing_is_guessed(known: dict[str, str]) -> None:
    """No systemd, a daemon that is not the unit's, no such unit, a systemd that does not tell; or no mode."""
    assert arming.of_status(ASKED, lambda: known) is None
    assert arming.of_status(facts(daemon=replace(DAEMON, reboot_mode="")), lambda: OVERRIDE) is None


def test_while_the_daemon_is_down_it_is_judged_by_the_configuration() -> None:
    """How many reboots are left is worth nothing if systemd does none."""
    known = LastKnown(reboot_mode="armed", reboots_left=4)
    away = Absence(reason="unreachable", message="", hint="", unit=OVERRIDE, last_known=known)

    assert "".join(arming.sentence(arming.of_absence(away))).startswith("reboots: nothing reboots: Start")
    for silent in (replace(away, unit=None), replace(away, last_known=None)):
        assert arming.of_absence(silent) is None


def test_the_verb_asks_systemd_once_for_many_looks(
    daemon: Running, systemctl: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the unit's own socket, and of no other daemon; what costs a process is not asked for each repaint."""
    script = "".join(
        f"echo {name}={value}\n" for name, value in {**OVERRIDE, "ActiveState": "active"}.items()
    )
    (systemctl.parent / "systemctl").write_text(f'#!/bin/sh\necho asked >>"$0.asked"\n{script}')
    code, before, _ = run(capsys, "status", "--socket", str(daemon.path))
    assert (code, systemctl.exists(), "not in effect" in before) == (0, False, False)
    monkeypatch.setattr(asking, "DEFAULT_SOCKET", str(daemon.path))
    _, out, _ = run(capsys, "status", "--socket", str(daemon.path), "--json")
    _, health, _ = run(capsys, "health", "--socket", str(daemon.path), "--json")

    assert json.loads(out)["reboots"] == json.loads(health)["reboots"]
    assert json.loads(out)["reboots"]["armed"] is False
    beside = status.Beside(argparse.Namespace(socket=str(daemon.path)))
    told = {str(beside.found(look)[1]) for look in [ASKED] * 5}
    assert (len(told), systemctl.read_text().count("asked")) == (1, 3)
    restarted = facts(HEALTHY, daemon=replace(DAEMON, pid=813))
    assert beside.found(restarted) == (restarted, None)


def test_who_repaints_does_not_ask_each_time() -> None:
    """The same question is asked again after a while, another one at once."""
    now, asked = [0.0], list[int]()
    sparing: Sparing[int] = Sparing(10.0, lambda: now[0])

    def find() -> int:
        asked.append(len(asked))
        return asked[-1]

    assert [sparing.ask("a", find), sparing.ask("a", find), sparing.ask("b", find)] == [0, 0, 1]
    now[0] = 9.9
    assert sparing.ask("b", find) == 1
    now[0] = 10.0
    assert sparing.ask("b", find) == 2
