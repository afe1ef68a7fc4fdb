# SPDX-License-Identifier: MIT
"""Proves that the ledger alone tells the whole story of a reboot, on a machine whose journal does not outlive one."""

import io
import json
import re
import tarfile
from typing import Any

import pytest

from .container import Container
from .lastrungs import CLIMB, LOST, SOON, STEEP
from .quick import QUICK, camera

pytestmark = pytest.mark.system

VOLATILE = "[Journal]\nStorage=volatile\n"
TRIED = [
    ("restart-stream", "failed"),
    ("restart-worker", "failed"),
    ("reset-device", "not-applicable"),
    ("restart-service", "granted"),
    ("restart-service", "failed"),
    ("reboot", "granted"),
]
ENDED = "the reboot for cam0 (frames-stopped); it helped"


@pytest.mark.scenario(
    17, "a volatile journal: history, incident, bundle and logs tell of the reboot all the same"
)
def test_the_story_outlives_the_journal(container: Container) -> None:
    """Nothing of the boot before is in the journal; the alert, each rung with its outcome, the reboot, why it was
    asked for, the boot after it and what ended the incident are told by four commands.
    """
    container.put("/etc/systemd/journald.conf.d/zz.conf", VOLATILE)
    container.configure(QUICK, STEEP, camera("cam0", LOST))
    container.drop_in(SOON)
    container.boot()
    assert container.await_end(2 * CLIMB) == "reboot"
    container.configure(QUICK, STEEP, camera("cam0"))
    container.boot()
    container.await_unit(StatusText="^cam0 EXCELLENT")
    container.until(lambda: "it helped" in _ctl(container, "history"), "the ledger knows that it helped")

    _assert_forgotten(container)
    _assert_history(container)
    _assert_incident(container)
    _assert_bundle(container)
    _assert_logs(container)


def _ctl(container: Container, words: str) -> str:
    return container.run(f"camwatchctl {words}", check=False).stdout


def _assert_forgotten(container: Container) -> None:
    """The journal is in memory, and begins with this boot."""
    assert list(container.tree.glob("var/log/journal/*/*.journal*")) == []
    assert container.run("ls /run/log/journal/*/*.journal").stdout
    boots = json.loads(container.run("journalctl --list-boots --output=json").stdout or "[]")
    assert len(boots) == 1
    assert container.run("journalctl --quiet EVENT=alert.capture_failure", check=False).stdout == ""
    former = container.run("journalctl --boot=-1 --lines=0", check=False)
    assert former.returncode or "no persistent journal was found" in former.stderr


def _assert_history(container: Container) -> None:
    text, found = _ctl(container, "history"), json.loads(_ctl(container, "history --json"))
    assert re.search(
        r"^last reboot asked for by camwatchd: .*, for cam0 \(frames-stopped\): it helped$",
        text,
        re.MULTILINE,
    )
    assert re.search(
        r"boot 2 .*after a reboot that camwatchd asked for, for cam0 \(frames-stopped\): it helped", text
    )
    assert re.search(rf"incident 1 .*cam0: frames-stopped: {re.escape(ENDED)}", text)
    after, before = found["boots"]
    assert (before["end"], after["after"], after["end"]) == ("reboot-asked", "reboot-asked", "not-yet")
    assert after["after_reboot"]["helped"] is True
    assert (before["starts"], before["service_restarts"]) == (3, 1) or before["starts"] >= 2


def _assert_incident(container: Container) -> None:
    text, found = _ctl(container, "incident 1"), json.loads(_ctl(container, "incident 1 --json"))
    assert (found["fault"], found["ended"]) == ("frames-stopped", ENDED)
    assert found["evidence"] in text
    assert [(step["rung"], step["outcome"]) for step in found["steps"] if step["rung"]] == TRIED
    for rung, outcome in TRIED:
        assert re.search(rf"\+.* {rung}( \d)? {outcome}", text), (rung, outcome)
    assert "what was tried" in text
    assert "the machine" in text
    assert found["before"]["captures"] > 0


def _assert_bundle(container: Container) -> None:
    """One archive with all of it, and no journal of that time, of which it says so."""
    container.run("camwatchctl incident 1 --bundle /root/bug.tar.gz")
    parts: dict[str, Any] = {}
    with tarfile.open(fileobj=io.BytesIO((container.tree / "root/bug.tar.gz").read_bytes())) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            parts[member.name.split("/")[-1]] = file.read().decode() if file else ""
    assert json.loads(parts["incident.json"])["ended"] == ENDED
    assert "for cam0 (frames-stopped): it helped" in parts["history.txt"]
    assert [row["kind"] for row in json.loads(parts["ledger.json"])["marks"]].count("intent") == 1
    assert "README.txt" in parts


def _assert_logs(container: Container) -> None:
    """What the journal has forgotten comes from the ledger, and says so."""
    lines = [json.loads(line) for line in _ctl(container, "logs --json").splitlines()]
    told = [line for line in lines if line.get("source") == "ledger"]
    assert told[0]["event"] == "alert.capture_failure"
    failed = [line["rung"] for line in told if line["event"] == "ladder.attempt_failed"]
    assert failed == [rung for rung, outcome in TRIED if outcome == "failed"]
    assert any("reboot" in line["message"] for line in told)
    assert lines[-1]["from_ledger"] == len(told)
    text = _ctl(container, "logs")
    assert text.index("(from the ledger)") < text.index("delivering frames")
    assert "from the ledger: the journal does not have them" in text
