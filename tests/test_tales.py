# SPDX-License-Identifier: MIT
"""The journal and the ledger tell the same story of a camera: what happened, what was tried, what comes next."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camwatchd.chronicle import Chronicle
from camwatchd.core import events as ev
from camwatchd.core import records as rec
from camwatchd.core.flight import WORDS_LIMIT, Before
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.messages import EVIDENCE_LIMIT
from camwatchd.core.state import Phase
from camwatchd.narrator import Narrator
from tests.core.storyboard import CRASH, GOOD, OPEN, Story, healthy, parked, spent
from tests.core.test_reset_device import resetting
from tests.post_rig import MISSED, deliver, lone_post


@dataclass
class Told:
    """An event log that keeps what it is told, in order: level, event, sentence."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    facts: list[dict[str, object]] = field(default_factory=list)

    def debug(self, event: str, **facts: object) -> None:
        self._keep("debug", event, facts)

    def info(self, event: str, **facts: object) -> None:
        self._keep("info", event, facts)

    def warning(self, event: str, **facts: object) -> None:
        self._keep("warning", event, facts)

    def error(self, event: str, **facts: object) -> None:
        self._keep("error", event, facts)

    def critical(self, event: str, **facts: object) -> None:
        self._keep("critical", event, facts)

    def _keep(self, level: str, event: str, facts: dict[str, object]) -> None:
        self.lines.append((level, event, str(facts["message"])))
        self.facts.append({"event": event, **facts})


def narrated(story: Story) -> list[tuple[str, str, str]]:
    """What the journal says of a story."""
    log = Told()
    for _, effect in story.told:
        Narrator("cam0", log).tell(effect, story.policy, 0)
    return log.lines


def written(story: Story, *, required: bool = True) -> list[rec.Record]:
    """What the ledger says of a story."""
    records: list[rec.Record] = []
    chronicle = Chronicle("cam0", records.append)
    for _, effect in story.told:
        chronicle.tell(effect, required=required)
    return records


# fmt: off
SENTENCES = [
    (spent(), "info", "ladder.skipped",
     "cam0: reset-device is not applicable: the camera was not opened yet, so it is not known whether it is on USB; "
     "going on to the next remedy"),
    (resetting(), "info", "ladder.action_started",
     "cam0: reset-device, attempt 1 of 1 (cures wedged USB camera)"),
    (resetting().after(1, ev.ActionEnded(Outcome.FAILED, "it did not return within 20 s; going on without it")),
     "warning", "ladder.attempt_failed",
     "cam0: reset-device (attempt 1) did not help: it did not return within 20 s; going on without it"),
    (spent(), "warning", "ladder.leave_asked",
     "cam0: asking whether restart-service is allowed now (cures damage in the supervisor or its environment)"),
    (spent().refuse("restarts-spent"), "warning", "ladder.leave_refused",
     "cam0: restart-service is refused (restarts-spent): as the test has it"),
    (parked("min-uptime", 40.0), "warning", "ladder.leave_refused",
     "cam0: reboot must wait (min-uptime): as the test has it; asked again in 40 s"),
    (parked(), "critical", "alert.critical",
     "CAMERA_CRITICAL: cam0: frames-stopped: parked, no reboot (did-not-help): as the test has it; "
     "no frame arrived and nothing gave a reason; next probe in 60 s"),
    (spent().restart(), "info", "worker.starting", "cam0: starting a worker that opens the camera"),
    (spent().restart().after(1, *OPEN, GOOD), "warning", "alert.recovery",
     "CAMERA_RECOVERY: cam0: healthy again by restart-service (attempt 1), 5 min after the first failure "
     "(frames-stopped)"),
    (parked().after(1, GOOD), "warning", "alert.recovery",
     "CAMERA_RECOVERY: cam0: healthy again by itself, 8 min after the first failure (frames-stopped)"),
    (healthy().after(1, ev.Paused(600.0)), "warning", "camera.paused",
     "cam0: released to its operator for 10 min; camwatchctl resume ends it"),
    (healthy().after(1, ev.Paused(600.0)).until_deadline(), "info", "camera.resumed",
     "cam0: the pause is over; taking the camera"),
    (healthy().after(1, ev.Paused(600.0)).after(1, ev.Resumed()), "info", "camera.resumed",
     "cam0: the pause was ended; taking the camera"),
]
# fmt: on


def test_one_query_shows_the_whole_of_an_incident(tmp_path: Path) -> None:
    """Whatever is told from a fault to its cure names that fault: each attempt, its end, the wait, the recovery."""
    log, now = Told(), 10_000.0
    post = lone_post("cam0", tmp_path, log, lambda: now)
    post.begin()
    deliver(post, 3)
    for _ in range(3):
        post.reported(MISSED)
    while not any(line["event"] == "ladder.waiting" for line in log.facts):
        now = post.deadline
        post.tick()
    deliver(post, 3)
    named = [line["event"] for line in log.facts if line.get("fault") == "frames-stopped"]

    assert ["alert.capture_failure", "ladder.action_started", "ladder.attempt_failed"] == named[1:4]
    assert ["ladder.waiting", "alert.recovery"] == named[-2:]
    assert named == [line["event"] for line in log.facts][-len(named) :]


@pytest.mark.parametrize("number", range(len(SENTENCES)))
def test_each_move_of_the_last_rungs_is_told(number: int) -> None:
    """What happened, why, and what comes next and when: in one sentence, with the event's name and its level."""
    story, *line = SENTENCES[number]

    assert tuple(line) in narrated(story)


def test_an_incident_is_written_from_its_fault_to_its_cure() -> None:
    """It opens once, each failed attempt follows with rung and number, and health closes it."""
    story = healthy().stall().until(Phase.BACKOFF).after(0.1, CRASH).after(0.1, GOOD)
    kinds = [type(record) for record in written(story)]
    attempts = [(r.rung, r.attempt) for r in written(story) if isinstance(r, rec.AttemptFailed)]

    assert [
        rec.CameraHealthy, rec.IncidentOpened, rec.AttemptFailed, rec.AttemptFailed, rec.IncidentClosed,
        rec.CameraHealthy,
    ] == kinds  # fmt: skip
    assert [(Rung.RESTART_STREAM, 1), (Rung.RESTART_STREAM, 2)] == attempts


def test_a_rung_that_is_skipped_is_written_once() -> None:
    """With its reason, among the attempts of the incident."""
    skipped = [r for r in written(spent()) if isinstance(r, rec.RungSkipped)]

    assert [(Rung.RESET_DEVICE, True)] == [(r.rung, "not opened" in r.reason) for r in skipped]


def test_a_better_name_opens_no_second_incident() -> None:
    """What takes an incident over is written into it."""
    records = written(healthy().stall().after(0.1, CRASH))

    assert ["frames-stopped"] == [r.fault for r in records if isinstance(r, rec.IncidentOpened)]
    assert ["worker-crashed"] == [r.fault for r in records if isinstance(r, rec.FaultNamed)]


def test_a_park_is_written_once_for_each_reason() -> None:
    """With the reason; what is only postponed is the recorder's own answer."""
    story = (
        parked("min-uptime", 40.0)
        .until(Phase.LEAVING)
        .refuse()
        .until_deadline()
        .until(Phase.LEAVING)
        .refuse()
    )
    parks = [(r.fault, r.name) for r in written(story) if isinstance(r, rec.CameraParked)]

    assert [("frames-stopped", "did-not-help")] == parks


def test_an_incident_that_ended_in_a_pause_is_closed_by_the_next_start() -> None:
    """Or the ledger would write a fault of next month into the incident of today."""
    story = parked().after(1, ev.Paused(60.0)).until_deadline().boot().after(1, CRASH)
    attempts = rec.AttemptFailed | rec.RungSkipped | rec.CameraHealthy
    kinds = [type(r) for r in written(story) if not isinstance(r, attempts)]

    assert [rec.IncidentOpened, rec.CameraParked, rec.IncidentClosed, rec.IncidentOpened] == kinds


@pytest.mark.parametrize("required", [True, False])
def test_who_is_required_is_written_with_its_health(required: bool) -> None:
    """Only a required camera makes a boot a healthy one."""
    assert [rec.CameraHealthy("cam0", required)] == written(healthy(), required=required)


def test_evidence_is_written_while_the_incident_is_open() -> None:
    """With the first record all that was heard and how the camera did; with the next ones what is new; each once."""
    heard, records = ["before"], list[rec.Record]()
    chronicle = Chronicle("cam0", records.append, lambda: tuple(heard), lambda: Before(fps=29.9))
    failed = ev.SayAttemptFailed(Rung.RESTART_STREAM, 1, "no frames", 5.0)
    effects = (ev.SayFault("frames-stopped", "", None), failed, failed, ev.SayFault("sensor-io", "", None))
    for effect in (*effects, ev.SayRecovered("sensor-io", None, 0, 9.0), effects[0]):
        chronicle.tell(effect, required=True)
        heard.append(f"after {len(records)}")
    told: list[tuple[str, ...]] = [getattr(record, "words", ()) for record in records]

    assert [("before",), ("after 1",), ("after 2",), ("after 3",), ("after 4",), ()] == told[:6]
    assert ("before", "after 1") == told[6][:2]  # another incident begins with all of it again
    assert [29.9, 29.9] == [r.before.fps for r in records if isinstance(r, rec.IncidentOpened)]


def test_no_record_carries_more_than_is_kept() -> None:
    """A camera stack that never stops talking fills neither the card nor, while that is dead, the memory."""
    records = list[rec.Record]()
    chronicle = Chronicle("cam0", records.append, lambda: tuple(f"{n:0100}" for n in range(1000)))
    chronicle.tell(ev.SayFault("frames-stopped", "", None), required=True)
    [opened] = records

    assert isinstance(opened, rec.IncidentOpened)
    assert (WORDS_LIMIT // 100, f"{999:0100}") == (len(opened.words), opened.words[-1])


def test_a_pause_ends_the_incident() -> None:
    """Nobody recovers a camera that its operator has: the ledger says so, and that it was not healthy."""
    records = list[rec.Record]()
    chronicle = Chronicle("cam0", records.append, lambda: ("a word",))
    chronicle.tell(ev.SayPaused(60.0), required=True)
    assert not records
    chronicle.tell(ev.SayFault("frames-stopped", "", None), required=True)
    chronicle.tell(ev.SayPaused(60.0), required=True)
    chronicle.tell(ev.SayPaused(90.0), required=True)
    chronicle.tell(ev.SayFault("frames-stopped", "", None), required=True)

    first, paused, second = records
    assert paused == rec.IncidentClosed(
        "cam0", None, 0, 0.0, (), "paused by an operator before it was healthy"
    )
    assert first == second == rec.IncidentOpened("cam0", "frames-stopped", "", ("a word",))


def test_a_camera_that_is_given_up_leaves_no_incident_open() -> None:
    """Nobody would ever end it; whoever takes the camera anew instead is told as the end of it."""
    records = list[rec.Record]()
    chronicle = Chronicle("cam0", records.append)
    chronicle.leave(1.0)
    assert not records
    chronicle.tell(ev.SayFault("frames-stopped", "x" * 60_000, None), required=True)
    chronicle.leave(7.0)
    assert not chronicle.open
    chronicle.open = True
    chronicle.tell(ev.SayStarted(2.0), required=False)
    opened, given_up, anew = records[:3]

    assert isinstance(opened, rec.IncidentOpened)
    assert len(opened.evidence) == EVIDENCE_LIMIT
    ends = [(end.seconds, end.how) for end in (given_up, anew) if isinstance(end, rec.IncidentClosed)]
    assert [
        (7.0, "taken out of the configuration"),
        (2.0, "healthy after an operator had the camera taken anew"),
    ] == ends
