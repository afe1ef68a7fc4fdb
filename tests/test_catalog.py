# SPDX-License-Identifier: MIT
"""The journal explains each alert: the catalog has all of them and no other, and systemd reads it as it is meant."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from camwatchd.adapters import log
from camwatchd.core import events as ev
from camwatchd.core.alerts import ALERTS, CRITICAL, Alert
from camwatchd.core.faults import FAULTS, Issue
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Policy
from camwatchd.narrator import Narrator

ROOT = Path(__file__).parents[1]
CATALOG = ROOT / "systemd" / "camwatchd.catalog"

# Whatever raises an alert.
_FIRST = {issue: next(fault.name for fault in FAULTS.values() if fault.issue is issue) for issue in Issue}
_RAISING: tuple[ev.Effect, ...] = (
    *(ev.SayFault(name, "front end", 1.5) for name in _FIRST.values()),
    ev.SayRecovered("sensor-io", Rung.RESTART_WORKER, 2, 12.0),
    ev.SayRecovered("sensor-io", None, 0, 12.0),
    ev.SayParked("sensor-io", "daily-limit", "4 reboots", 60.0),
    ev.SayCritical("busy", "no remedy cures this"),
)


def entries(text: str) -> dict[str, tuple[dict[str, list[str]], str]]:
    """Each entry of a catalog by its id: headers and body."""
    found = {}
    for entry in re.split(r"^-- ", text, flags=re.MULTILINE)[1:]:
        head, _, body = entry.partition("\n\n")
        identity, *lines = head.splitlines()
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers.setdefault(name, []).append(value)
        found[identity] = headers, body
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """What is logged of everything that raises an alert."""
    file = tmp_path_factory.mktemp("log") / "lines"
    with file.open("wb") as stream:
        narrator = Narrator("cam0", log.build("json", "debug", stream.fileno(), {}))
        for effect in _RAISING:
            narrator.tell(effect, Policy(), 5)
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_catalog_has_every_alert() -> None:
    """Each alert of the code is explained under its id, and nothing else is."""
    ids = re.findall(r"^-- (.*)", CATALOG.read_text(), re.MULTILINE)

    assert ids == [alert.message_id for alert in ALERTS]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.event)
def test_an_explanation_is_whole(alert: Alert) -> None:
    """It begins with the alert's name, says where more is to be read, and all that an operator asks."""
    headers, body = entries(CATALOG.read_text())[alert.message_id]

    assert headers["Subject"][0].startswith(f"{alert.name}: camera @CAMERA@ ")
    assert headers["Defined-By"] == ["camwatchd"]
    assert {"Support", "Documentation"} < set(headers)
    assert all(part in body for part in ("@FAULT@", "cause is", "camwatchd", "human", "camwatchctl"))
    assert max(map(len, body.splitlines())) <= 80


def test_the_manuals_that_it_names_are_installed() -> None:
    """Support and Documentation name our own man pages, and each of them comes with the package."""
    named = {
        uri
        for headers, _ in entries(CATALOG.read_text()).values()
        for uri in headers["Documentation"] + headers["Support"]
    }
    pages = {path.name for path in (ROOT / "debian" / "man").iterdir()}

    assert {re.sub(r"man:(.*)\((\d)\)", r"\1.\2", uri) for uri in named} <= pages


def test_what_it_quotes_is_in_every_entry(told: list[dict[str, object]]) -> None:
    """journalctl puts an entry's fields in place of @FIELD@; what an entry has not would stay a bare word."""
    explained = entries(CATALOG.read_text())
    for line in told:
        headers, body = explained[str(line["message_id"])]
        quoted = set(re.findall(r"@(\w+)@", headers["Subject"][0] + body))

        assert quoted <= {name.upper() for name, value in line.items() if value}
        assert quoted == {"CAMERA", "FAULT"}


def test_a_critical_camera_is_told_from_a_parked_one(told: list[dict[str, object]]) -> None:
    """What the message says of each, the explanation does too; no page says that the last rungs were tried."""
    _, body = entries(CATALOG.read_text())[CRITICAL.message_id]
    said = [str(line["message"]) for line in told if line["message_id"] == CRITICAL.message_id]
    pages = [body, (ROOT / "README.md").read_text(), (ROOT / "debian" / "man" / "camwatchd.8").read_text()]

    assert [["parked"], ["recovery goes on"]] == [
        [words for words in ("parked", "recovery goes on") if words in message] for message in said
    ]
    assert all(words in " ".join(body.split()) for words in ('"parked"', '"recovery goes on"'))
    assert all(
        "every rung within the process was tried, none can help" in " ".join(p.split()) for p in pages
    )


def test_every_alert_can_be_raised(told: list[dict[str, object]]) -> None:
    """Each id is one that the daemon logs, with the fields by which the journal is asked."""
    assert {line["message_id"] for line in told} == {alert.message_id for alert in ALERTS}
    assert {line["camera_issue"] for line in told if "camera_issue" in line} == set(Issue)
    assert [line["rung"] for line in told if "rung" in line] == [Rung.RESTART_WORKER]
    assert all(line["camera"] == "cam0" and line["fault"] in FAULTS for line in told)


def test_systemd_reads_it(tmp_path: Path) -> None:
    """journalctl compiles the catalog, and what it then shows of each entry is what is written here."""
    if shutil.which("journalctl") is None:
        pytest.skip("journalctl is not installed (apt install systemd)")
    for folder in ("usr/lib/systemd/catalog", "var/lib/systemd/catalog"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(CATALOG, tmp_path / "usr/lib/systemd/catalog")
    command = ["journalctl", f"--root={tmp_path}"]

    compiled = subprocess.run([*command, "--update-catalog"], capture_output=True, text=True, check=False)
    shown = subprocess.run([*command, "--dump-catalog"], capture_output=True, text=True, check=True).stdout

    assert (compiled.returncode, compiled.stderr) == (0, "")
    ours, theirs = entries(CATALOG.read_text()), entries(shown)
    assert {key: (headers, body.strip()) for key, (headers, body) in theirs.items()} == {
        key: (headers, body.strip()) for key, (headers, body) in ours.items()
    }
