# SPDX-License-Identifier: MIT
"""The outlook of a camera: what its days say is told once, shown while it lasts, outlives a start, acts on nothing."""

from dataclasses import replace
from pathlib import Path

from camwatchd.cli.metrics import METRICS
from camwatchd.cli.status_detail import detailed
from camwatchd.cli.status_text import text
from camwatchd.control.facts import DaemonFacts, SignFacts, StatusFacts
from camwatchd.core import circumstances
from camwatchd.core import events as ev
from camwatchd.core import messages as msg
from camwatchd.core import records as rec
from camwatchd.core.circumstances import ALPHA, APART, GONE, LEAST, MOST, Circumstance
from camwatchd.core.figures import Figures
from camwatchd.core.flight import HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import CameraSettings
from camwatchd.core.signs import LAMBDA, LEARN, MEMORY, RULES, SETTLED, Chart, Sign
from camwatchd.core.timespan import DAY
from camwatchd.doctor import signs
from camwatchd.doctor.finding import Result
from camwatchd.outlook import EVERY, Outlook
from tests.control.rig import Log, camera
from tests.post_rig import MISSED, deliver, lone_post

CAM0 = CameraSettings()
FAULT = ev.SayFault("frames-stopped", "no frame", 1.5)
WELL = HostFacts(under_voltage=False, temperature=50.0)
WEAK = HostFacts(under_voltage=True, temperature=50.0)
_STEPS = 4 * 3600.0  # seconds between two looks of the test, as a rule


class Life:
    """A camera's days, one after the other, with a recorder that answers at once."""

    def __init__(self, camera: CameraSettings = CAM0, kept: str = "", now: float = 1000.0) -> None:
        self.now, self.log, self.host = now, Log(), WELL
        self.notes: list[rec.Record] = []
        self.kept, self.power_failed, self.answers = kept, False, True
        self.figures = Figures(self.now)
        self.outlook = Outlook(
            camera, self.figures, self.log, lambda: self.now, note=self.note,
            power_failed=lambda _: self.power_failed,
        )  # fmt: skip
        self.outlook.begin()

    def note(self, record: rec.Record) -> None:
        self.notes.append(record)
        match record:
            case rec.KeepSigns(name, state, about):
                self.kept = state
                if self.answers:
                    self.outlook.hear(rec.SignsKept(name, about, self.host if about else HostFacts()))
            case rec.RecallSigns(name) if self.kept:
                self.outlook.hear(rec.SignsRecalled(name, self.kept))

    def days(
        self, number: float, *, latency: float = 0.04, recoveries: int = 0, opening: float = 0.0, up: bool = True,
        step: float = _STEPS,
    ) -> None:  # fmt: skip
        """As the loop has it: healthy frames arrive, and it ticks when it is due."""
        end = self.now + number * DAY
        while self.now < end:
            self._midnight(recoveries, opening)
            self.now = min(self.now + step, end)
            if up:
                self.outlook.delivered(msg.Frames(50, 1, 1, step, latency, latency, 0, 0, 90.0, 20.0))
            if self.now >= self.outlook.deadline:
                self.outlook.tick()

    def _midnight(self, recoveries: int, opening: float) -> None:
        if (self.now - 1000.0) % DAY == 0:
            for _ in range(recoveries):
                self.fails(WELL)
            if opening:
                self.outlook.opened(opening)

    def fails(self, host: HostFacts) -> None:
        """An incident, and how the machine does."""
        self.host = host
        self.outlook.follow(FAULT)
        self.host = WELL
        self.outlook.follow(ev.SayRecovered("frames-stopped", Rung.RESTART_WORKER, 1, 12.0))

    @property
    def signs(self) -> dict[str, str]:
        return {sign.name: sign.text for sign in self.outlook.signs}


def test_a_rising_latency_is_told_once_and_shown() -> None:
    """The sentence has what, since when, compared to what, and what to do; when it is over, that is told too."""
    life = Life()
    life.days(30)
    life.days(6, latency=0.08)

    said = "capture latency: 80 ms on the last day, usual before that: 41 ms; the mean of the last days has been "
    said += "above the usual for 2 days"
    assert {"latency": said} == life.signs
    (told,) = life.log.of("camera.sign")
    assert told.startswith(
        "cam0: a sign of trouble to come, no fault: capture latency: 80 ms on the last day, "
    )
    assert "; what to do: camwatchctl health  # " in told
    life.days(12)
    assert ({}, 1) == (life.signs, len(life.log.of("camera.sign_ended")))


def test_what_stays_is_told_to_be_usual_and_what_goes_on_rising_is_shown() -> None:
    """A sign ends with a line that says why; one of a camera that gets worse and worse is there after months."""
    steady, worse = Life(), Life()
    for life in (steady, worse):
        life.days(30)
    for day in range(100):
        steady.days(1, latency=0.08)
        worse.days(1, latency=0.04 + 0.004 * day)

    (ended,) = steady.log.of("camera.sign_ended")
    assert ended.endswith(": latency is as usual again, or has not risen for weeks and is usual by now")
    assert {} == steady.signs
    assert {"latency"} == set(worse.signs)
    assert (1, []) == (len(worse.log.of("camera.sign")), worse.log.of("camera.sign_ended"))


def test_more_recoveries_and_longer_openings_are_signs() -> None:
    """Each by itself; days without an opening say nothing of it."""
    life = Life()
    for _ in range(20):
        life.days(2, opening=1.0)
        life.days(1)
    life.days(12, recoveries=3, opening=2.0)

    assert {"recoveries", "reopening"} == set(life.signs)


def test_a_day_without_the_camera_is_none() -> None:
    """Paused or down for most of it: the numbers of the rest compare with nothing."""
    life = Life()
    life.days(30)
    life.days(20, latency=0.5, recoveries=9, up=False)

    assert {} == life.signs


def test_other_settings_begin_anew() -> None:
    """Nothing is known of the camera as it is now, and a sign of how it was is taken back."""
    life = Life()
    life.days(30)
    life.days(6, latency=0.08)
    life.outlook.forget(replace(CAM0, width=1920))
    assert ({}, 1) == (life.signs, len(life.log.of("camera.sign_ended")))
    life.days(13, latency=0.4)

    assert ({}, 1) == (life.signs, len(life.log.of("camera.sign")))


# --- over a restart -------------------------------------------------------------------------------------------


def test_what_is_usual_outlives_the_daemon() -> None:
    """A start every nine hours, on whatever clock: days go on where they were, and a sign comes as it would."""
    kept, now, told, straight = "", 1000.0, [], Life()
    straight.days(30)
    straight.days(6, latency=0.08)
    for number in range(96):
        life = Life(kept=kept, now=now)
        life.days(0.375, step=EVERY * 3, latency=0.08 if number >= 80 else 0.04)
        life.outlook.keep()
        kept, now = life.kept, 50.0 * number
        told += life.log.of("camera.sign")

    assert straight.signs == life.signs
    assert 1 == len(told)


def test_of_a_start_that_was_killed_an_hour_is_lost_at_most() -> None:
    """So often what is known is handed to the recorder; after a recovery at once."""
    life = Life()
    life.days(0.5, step=EVERY)
    assert 12 == sum(isinstance(note, rec.KeepSigns) for note in life.notes)

    life.outlook.follow(ev.SayRecovered("sensor-io", Rung.RESTART_WORKER, 1, 12.0))
    assert life.now >= life.outlook.deadline
    life.outlook.tick()
    assert 13 == sum(isinstance(note, rec.KeepSigns) for note in life.notes)


def test_what_a_boot_has_ended_is_a_recovery() -> None:
    """An incident that was open when the last start ended, and is over with this one's first healthy frame."""
    before = Life()
    before.days(0.5)
    before.outlook.follow(FAULT)
    started = ev.SayStarted(4.0)
    counts = []
    for told, late in ((started, False), (started, True), (None, False)):
        life = Life(kept="" if late else before.kept)
        if told:
            life.outlook.follow(told)
        if late:
            life.outlook.hear(rec.SignsRecalled("cam0", before.kept))
        life.outlook.keep()
        counts.append(('"recoveries":1' in life.kept, '"failed":true' in life.kept))

    assert [(True, False), (True, False), (False, True)] == counts


def test_a_ledger_that_comes_late_is_taken_within_the_day() -> None:
    """What was summed up meanwhile is added; after a day of one's own it is left alone."""
    before = Life()
    before.days(30.25)
    before.outlook.keep()
    late, too_late = Life(), Life()
    late.days(0.5)
    late.outlook.hear(rec.SignsRecalled("cam0", before.kept))
    late.outlook.keep()
    too_late.days(1.5)
    too_late.outlook.hear(rec.SignsRecalled("cam0", before.kept))
    too_late.outlook.keep()

    assert '"observed":64800.0' in late.kept
    assert '"days":30' in late.kept
    assert '"days":30' not in too_late.kept


def test_what_is_kept_of_other_settings_or_damaged_is_left_alone() -> None:
    """It is learnt anew."""
    before = Life()
    before.days(30)

    for life in (Life(replace(CAM0, width=1920), before.kept), Life(kept=before.kept[:-7]), Life(kept="{}")):
        life.outlook.keep()
        assert '"days":30' not in life.kept
    for same in (CAM0, replace(CAM0, required=False, slots=4)):
        life = Life(same, before.kept)
        life.outlook.keep()
        assert '"days":30' in life.kept


# --- what goes along with incidents -----------------------------------------------------------------------------


def test_weak_power_before_incidents_is_told() -> None:
    """With the numbers, once; and again not after a start."""
    life = Life()
    life.days(10, step=EVERY)
    for _ in range(3):
        life.days(1)
        life.fails(WEAK)

    text = "under-voltage in the minute before 3 of the last 3 incidents, the first 2 d ago"
    assert {"under-voltage": f"{text}; else at most 1 % of the time"} == life.signs
    assert 1 == len(life.log.of("camera.sign"))
    life.outlook.keep()
    again = Life(kept=life.kept)
    assert (set(life.signs), []) == (set(again.signs), again.log.of("camera.sign"))


def test_the_kernels_word_of_the_minute_before_counts() -> None:
    """Power that is well again when the machine is looked at."""
    life = Life()
    life.days(10, step=EVERY)
    for _ in range(3):
        life.power_failed = True
        life.fails(WELL)
        life.power_failed = False
        life.days(0.5)

    assert {"under-voltage"} == set(life.signs)


def test_an_incident_counts_once_however_long_it_lasts() -> None:
    """A camera that is down for a week, and named anew each day, proves nothing."""
    life = Life()
    life.days(10, step=EVERY)
    life.host = WEAK
    for _ in range(7):
        life.outlook.follow(FAULT)
        life.days(1, up=False)

    assert {} == life.signs
    assert 1 == sum(
        isinstance(note, rec.KeepSigns) and note.about == rec.About.INCIDENT for note in life.notes
    )


def test_an_answer_of_another_time_is_no_answer() -> None:
    """A recorder that hung on the card tells of now, not of the incident."""
    life = Life()
    life.days(10, step=EVERY)
    for _ in range(4):
        life.days(1)
        life.answers = False
        life.fails(WEAK)
        life.now += 60
        life.answers = True
        life.outlook.hear(rec.SignsKept("cam0", rec.About.INCIDENT, WEAK))

    assert {} == life.signs


# --- that nothing acts on it ------------------------------------------------------------------------------------


def test_a_camera_with_every_sign_is_treated_as_one_with_none(tmp_path: Path) -> None:
    """The same history, with and without: the same state and the same words, but for what is told of signs."""
    before = Life()
    before.days(30)
    before.days(6, latency=0.08)
    outcomes = []
    for kept in ("", before.kept):
        now, log = 0.0, Log()
        post = lone_post("cam0", tmp_path, log, lambda: now)  # noqa: B023  # it is called within the round
        post.begin()
        post.outlook.hear(rec.SignsRecalled("cam0", kept))
        assert bool(kept) == bool(post.outlook.signs)
        states = []
        for _ in range(40):
            deliver(post, 3)
            for _ in range(5):
                now += 2.0
                post.reported(MISSED)
                post.tick()
                states.append(post.state)
            now += EVERY
            post.tick()
        outcomes.append((states, log.lines))

    assert outcomes[0] == outcomes[1]


# --- shown ------------------------------------------------------------------------------------------------------

_OFTEN = {Sign.FAILURES, Sign.RECOVERIES}
_SIGN = SignFacts(
    name="latency", text="capture latency: 80 ms, usually 41 ms", remedy="camwatchctl health  # heat"
)


def _facts(*signs: SignFacts) -> StatusFacts:
    daemon = DaemonFacts(version="0.1.0", pid=1, uptime=1.0, status="")
    return StatusFacts(daemon=daemon, cameras=(camera(signs=signs),))


def test_the_status_has_a_line_for_them() -> None:
    """The first, and how many more there are; the particulars have all of them, with what to do."""
    two = _facts(_SIGN, replace(_SIGN, name="heat", text="too hot"))

    assert "a sign of trouble to come: capture latency: 80 ms, usually 41 ms\n" in text(_facts(_SIGN))
    assert "41 ms (and 1 more: camwatchctl status --detailed)" in text(two)
    assert "sign" not in text(_facts())
    assert "sign heat              too hot; no fault, and nothing acts on it\n" in detailed(two)
    assert "what to do             camwatchctl health  # heat\n" in detailed(two)


def test_each_sign_is_a_metric_that_ends() -> None:
    """One or zero by its name, so that what was an alarm there ends with it."""
    metric = next(metric for metric in METRICS if metric.name == "camwatchd_camera_sign")

    class Asked:
        found = _facts(_SIGN)

    samples = {labels["sign"]: value for labels, value in metric.samples(Asked())}  # type: ignore[arg-type]
    assert 8 == len(samples)
    assert {"latency"} == {name for name, value in samples.items() if value}


def test_the_doctor_warns_of_each() -> None:
    """By its camera, with a remedy to paste; none is well, and no daemon is no verdict."""
    (found,) = signs.signs(_facts(_SIGN).cameras)
    (well,) = signs.signs(_facts().cameras)
    (unknown,) = signs.signs(None)

    assert ("cam0", _SIGN.text, _SIGN.remedy) == (found.subject, found.reason, found.remedy)
    assert [Result.WARNING, Result.OK, Result.UNKNOWN] == [each.result for each in (found, well, unknown)]


def test_the_man_page_says_what_is_done() -> None:
    """Each sign, and the numbers of the method."""
    page = (Path(__file__).parents[1] / "debian/man/camwatchctl.1").read_text()
    section = " ".join(page.partition(".Sh SIGNS OF TROUBLE TO COME")[2].partition(".Sh")[0].split())
    counted, others = ({RULES[sign].limit for sign in names} for names in (_OFTEN, set(Sign) - _OFTEN))

    assert [name.value for name in (*Sign, *Circumstance) if name.value not in section] == []
    assert (
        f"lambda {LAMBDA} and a limit of {counted.pop():g} deviations for failures and recoveries" in section
    )
    assert f"and of {others.pop():g} for the others" in section
    assert (set(), set()) == (counted, others)
    assert f"learnt in {LEARN} days, taken from {MEMORY}, and kept" in section
    assert (
        f"of the last {MOST} incidents that are {APART / 3600:.0f} hours apart, at least {LEAST} of them"
        in section
    )
    assert f"at {ALPHA}: from then on until it could be chance at {GONE}." in section
    assert f"within {circumstances.MEMORY / DAY:.0f} days" in section
    wider = [round(100 * (Chart(sign, LEARN).bound / RULES[sign].bound - 1)) for sign in Sign]
    assert f"by {min(wider)} to {max(wider)} % after {LEARN} days, not at all after {SETTLED}" in section
    assert f"for {MEMORY} days, and its last {LEARN} are not above the {LEARN} before them" in section
