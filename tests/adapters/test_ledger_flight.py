# SPDX-License-Identifier: MIT
"""The flight recorder has its evidence before the incident is over, within bounds, and keeps what older ones wrote."""

import gzip
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from camwatchd.adapters import ledger_dump
from camwatchd.adapters import ledger_schema as schema
from camwatchd.adapters.ledger import Entry, Ledger
from camwatchd.adapters.ledger_boots import Moment
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.core import records as rec
from camwatchd.core.budget import DAY
from camwatchd.core.flight import Before, HostFacts
from camwatchd.core.ladder import Rung
from tests.adapters.ledger_rig import FAULT, WALL, start

# Made by the code of version 1, before there was a version 2: three incidents, a reboot that helped, one open.
OLD = Path(__file__).with_name("ledger-1.db.gz")
OPENED = rec.IncidentOpened("cam0", FAULT, "no frame", ("kernel: [1] gone", "ERROR RPI"), Before(fps=29.9))


def incidents(folder: Path) -> list[dict[str, Any]]:
    """All of them, oldest first."""
    found: list[dict[str, Any]] = ledger_dump.read(folder)["incidents"]
    return found


def test_a_power_cut_leaves_the_evidence_so_far(tmp_path: Path) -> None:
    """After the opening, a name and a failed attempt it is in the open incident, in the order in which it came."""
    seen = []
    with start(tmp_path) as running:
        for record in (
            OPENED,
            rec.FaultNamed("cam0", "sensor-io", "i2c", ("WARN V4L2",)),
            rec.AttemptFailed("cam0", Rung.RESTART_WORKER, 1, "no frames", 60.0, ("last words",)),
        ):
            running.write(record)
            [incident] = incidents(tmp_path)
            seen.append((incident["ended"], incident["words"].splitlines()))

    everything = ["kernel: [1] gone", "ERROR RPI", "WARN V4L2", "last words"]
    assert [("", everything[:2]), ("", everything[:3]), ("", everything)] == seen
    assert 29.9 == json.loads(incidents(tmp_path)[0]["before"])["fps"]


def test_what_a_stopped_service_left_open_ends_with_the_first_health(tmp_path: Path) -> None:
    """Nobody else knows of it any more: else it were open for the rest of the boot, and the next one a part of it."""
    with start(tmp_path) as running:
        running.write(OPENED)
    with start(tmp_path, name="again", uptime=430.0) as running:
        running.write(rec.CameraHealthy("cam1"))
        [left] = incidents(tmp_path)
        running.write(rec.CameraHealthy("cam0"), OPENED)

    first, second = incidents(tmp_path)
    assert ("", "") == (left["ended"], second["ended"])
    assert ("healthy after the service was started anew", 30.0) == (first["ended"], first["seconds"])


def test_an_incident_is_as_long_as_it_was(tmp_path: Path) -> None:
    """Also if the camera was taken anew meanwhile, by an operator's recover, and counts from there."""
    with start(tmp_path) as running:
        running.write(OPENED)
        running.uptime += 30
        running.write(rec.IncidentClosed("cam0", None, 0, 0.3))

    [incident] = incidents(tmp_path)
    assert ("healthy by itself", 30.0) == (incident["ended"], incident["seconds"])


def test_the_machine_is_looked_at_first_and_last(tmp_path: Path) -> None:
    """When it opens and with each later record of the incident; not for requests to leave, nor while all is well."""
    looks: list[HostFacts] = []

    def look() -> HostFacts:
        looks.append(HostFacts(temperature=50.0 + len(looks)))
        return looks[-1]

    with closing(LedgerFile(tmp_path, lambda: "now").open()) as db:
        ledger = Ledger(db, "boot-1", "start", look)
        moment = Moment(400.0, WALL)
        ledger.enter(moment)
        failed = rec.AttemptFailed("cam0", Rung.RESTART_WORKER, 1, "no frames", 60.0)
        closed = rec.IncidentClosed("cam0", None, 0, 9.0)
        told: tuple[rec.Record, ...] = (
            rec.Begin("0.1.0", 1),
            rec.CameraHealthy("cam0"),
            OPENED,
            failed,
            failed,
            closed,
        )
        for serial, record in enumerate(told, 1):
            ledger.write([Entry(serial, record, moment)])

    [incident] = incidents(tmp_path)
    assert 4 == len(looks)
    assert [50.0, 53.0] == [json.loads(incident[name])["temperature"] for name in ("host", "host_last")]


@pytest.mark.parametrize(("rule", "kept"), [(rec.Keep(10, 400.0), 10), (rec.Keep(500, 1.0), 0)])
def test_so_much_is_kept_as_the_configuration_says(tmp_path: Path, rule: rec.Keep, kept: int) -> None:
    """The newest so many, and none older than so many powered-on days; the rule outlives the start that told it."""
    with start(tmp_path) as running:
        running.write(rule)
        for _ in range(20):
            running.write(OPENED, rec.IncidentClosed("cam0", None, 0, 1.0))
    with start(tmp_path, name="again") as running:
        running.uptime += 1.5 * DAY
        running.ledger.note(running.moment)

    assert kept == len(incidents(tmp_path))


def test_a_rule_that_holds_already_is_not_written(tmp_path: Path) -> None:
    """Each start says it; only another one changes the file."""
    with start(tmp_path) as running:
        changes = []
        for rule in (rec.Keep(500, 400.0), rec.Keep(100, 400.0), rec.Keep(100, 400.0)):
            before = running.ledger._db.total_changes
            running.write(rule)
            changes.append(running.ledger._db.total_changes - before)

    assert [2, 3, 2] == changes  # the delivery and the uptime are noted with every record


def test_what_is_no_json_of_ours_is_left_out(tmp_path: Path) -> None:
    """A camera may call itself anything: what would fill the ledger is not kept, the incident is."""
    with start(tmp_path) as running:
        running.write(rec.IncidentOpened("cam0", FAULT, "", (), Before(model="x" * 5000)))

    assert ["" for _ in range(1)] == [incident["before"] for incident in incidents(tmp_path)]


def test_a_ledger_of_the_last_version_is_brought_forward(tmp_path: Path) -> None:
    """On a file that version 1 made: nothing of it is lost, the open incident goes on and gets what is new."""
    (tmp_path / "ledger.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    before = ledger_dump.read(tmp_path)
    with start(tmp_path, "22222222-0000-4000-8000-000000000002", "c", uptime=600.0) as running:
        assert [] == running.file.tidings
        assert ("cam0",) == running.ledger.healthy_cameras()
        assert (0, 1) == (running.facts().unhelpful, running.facts().in_a_day)
        running.write(rec.AttemptFailed("cam1", Rung.RESTART_WORKER, 1, "busy", 1.0, ("held",)))
    after = ledger_dump.read(tmp_path)

    assert (1, 3) == (before["version"], after["version"]) == (1, len(schema.STEPS))
    assert before["marks"] == after["marks"]
    for old, new in zip(before["incidents"][:2], after["incidents"][:2], strict=True):
        assert {**old, "before": "", "host": "", "host_last": ""} == new
    assert ("held", ["named", "failed"]) == (
        after["incidents"][2]["words"],
        [step["outcome"] for step in after["incidents"][2]["steps"]],
    )
    with closing(schema.connect(tmp_path / "ledger.db", "ro")) as db:
        assert "" == schema.objection(db)
