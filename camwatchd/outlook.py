# SPDX-License-Identifier: MIT
"""Owns one camera's outlook: its numbers are summed up day by day, and signs of trouble to come are told.

What is usual must be known after a restart and a boot, too: it goes to the recorder every hour, which writes it with
whatever it writes next and says how the machine does. Nothing acts on any of it: it takes facts, and gives sentences.
"""

import json
from binascii import crc32
from collections.abc import Callable
from dataclasses import dataclass, replace

from camwatchd.control.facts import SignFacts
from camwatchd.core import circumstances, days
from camwatchd.core import messages as msg
from camwatchd.core import records as rec
from camwatchd.core.events import Effect, SayFault, SayRecovered, SayStarted
from camwatchd.core.figures import Figures
from camwatchd.core.plain import to_plain
from camwatchd.core.settings import CameraSettings
from camwatchd.core.timespan import DAY
from camwatchd.ports import EventLog

EVERY = 3600.0  # seconds between two looks at the machine; what a power cut may cost of a day
_MINUTE = 60.0  # before an incident, in which weak power may have to do with it
_PROMPT = 30.0  # seconds; what is told later is of another time
_PAUSE = 2.0  # seconds without news from a healthy camera, beside its frames' own time
_OF_NO_MATTER = ("name", "required", "slots", "fault")  # settings


@dataclass(slots=True)
class _Mean:
    """Of what comes in."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float, count: int = 1) -> None:
        self.total += value * count
        self.count += count


class Outlook:
    """Nothing acts on it. `tick()` at `deadline`; `power_failed`: whether the kernel said so in these seconds."""

    def __init__(
        self, camera: CameraSettings, figures: Figures, log: EventLog, clock: Callable[[], float],
        note: Callable[[rec.Record], None], power_failed: Callable[[float], bool],
    ) -> None:  # fmt: skip
        self._camera, self._log, self._clock, self._note = camera.name, log, clock, note
        self._figures, self._power_failed = figures, power_failed
        self.signs: tuple[SignFacts, ...] = ()  # that there are
        self._life = days.Life(fingerprint(camera))
        self._well = False  # by now, in this start
        self._at = self._heard_at = self._asked_at = clock()
        self._keep_at = self._sample_at = clock() + EVERY
        self._since_then()

    def begin(self) -> None:
        """Ask for what an earlier start knew."""
        self._note(rec.RecallSigns(self._camera))

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called."""
        return min(self._keep_at, self._at + DAY - self._life.day.observed)

    def forget(self, camera: CameraSettings) -> None:
        """What was usual is not any more: the camera has other settings."""
        self._life = days.Life(fingerprint(camera))
        self._since_then()
        self._tell("is judged anew under other settings")

    def delivered(self, frames: msg.Frames) -> None:
        """Healthy captures."""
        now = self._clock()
        self._latency.add(frames.latency, frames.count)
        self._healthy += min(now - self._heard_at, _PAUSE + 2 * frames.frame_duration)
        self._heard_at = now

    def opened(self, seconds: float) -> None:
        """The camera was opened."""
        self._opening.add(seconds)

    def follow(self, effect: Effect) -> None:
        """What the ladder says: how did the machine, when the camera failed; and what has become of the day."""
        match effect:
            case SayFault() if not self._life.failed:
                self._well = False
                self._life = replace(
                    self._life, failed=True
                )  # whatever it is called later, and however long it lasts
                counts = self._life.circumstances.counts(self._now())
                self.keep(rec.About.INCIDENT if counts else rec.About.NOTHING)
            case SayRecovered() | SayStarted():
                self._well = True
                self._recover()

    def _recover(self) -> None:
        """What ends an incident may be a restart of the service or a boot: then it is remembered from before that."""
        self._recoveries += self._life.failed
        self._life = replace(self._life, failed=False)
        self._keep_at = min(self._keep_at, self._clock())

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock()
        self._sum_up()
        if self._life.day.is_over:
            self._life = self._life.after(self._life.day)
            self._tell("is as usual again, or has not risen for weeks and is usual by now")
            self._keep_at = now
        if now >= self._keep_at:
            usual = now >= self._sample_at and now - self._heard_at < _MINUTE
            self._sample_at = now + EVERY if now >= self._sample_at else self._sample_at
            self.keep(rec.About.USUAL if usual else rec.About.NOTHING)

    def keep(self, about: rec.About = rec.About.NOTHING) -> None:
        """Have it written with whatever is written next."""
        self._sum_up()
        self._keep_at = self._clock() + EVERY
        if about is not rec.About.NOTHING:
            self._asked_at = self._clock()
        self._note(rec.KeepSigns(self._camera, days.written(self._life), about))

    def hear(self, reply: rec.SignsKept | rec.SignsRecalled) -> None:
        """The recorder's answer."""
        if isinstance(reply, rec.SignsRecalled):
            self._recall(reply.state)
        elif reply.about is not rec.About.NOTHING and self._clock() - self._asked_at <= _PROMPT:
            self._look(reply)

    def _look(self, told: rec.SignsKept) -> None:
        within = self._clock() - self._asked_at + _MINUTE
        sample = circumstances.sample(told.host, power_failed=self._power_failed(within))
        known = self._life.circumstances
        usual = told.about is rec.About.USUAL
        found = known.usual(sample) if usual else known.incident(sample, self._now())
        self._life = replace(self._life, circumstances=found)
        self._tell("goes along with incidents no longer")

    def _recall(self, state: str) -> None:
        """Go on with it; but what comes after a whole day, from a ledger that could not be read, is of no use."""
        known = days.read(state, self._life.settings)
        if known is not None and not self._life.before:
            failed = known.failed or self._life.failed
            self._life = replace(known, day=known.day.add(self._life.day), failed=failed)
            if self._well and known.failed:
                self._recover()
            self.signs = self._found()  # told before

    # --- sums ---------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._life.now + self._clock() - self._at

    def _since_then(self) -> None:
        """Sums begin here."""
        self._at, self._healthy, self._recoveries = self._clock(), 0.0, 0
        self._latency, self._opening = _Mean(), _Mean()
        self._tally, self._dropped = self._figures.tally, self._figures.dropped

    def _sum_up(self) -> None:
        tally = self._figures.tally
        fresh = days.Day(
            observed=self._clock() - self._at, healthy=self._healthy,
            failures=tally.failures - self._tally.failures, recoveries=self._recoveries,
            drops=self._figures.dropped - self._dropped, latency=self._latency.total, captures=self._latency.count,
            opening=self._opening.total, openings=self._opening.count,
        )  # fmt: skip
        self._life = replace(self._life, day=self._life.day.add(fresh))
        self._since_then()

    # --- what is told -------------------------------------------------------------------------------------

    def _found(self) -> tuple[SignFacts, ...]:
        return tuple(SignFacts(name=name, text=text, remedy=cure) for name, text, cure in self._life.signs())

    def _tell(self, ended: str) -> None:
        """Each once when it begins, and once when it is gone."""
        before, self.signs = {sign.name for sign in self.signs}, self._found()
        for sign in self.signs:
            if sign.name not in before:
                text = f"{self._camera}: a sign of trouble to come, no fault: {sign.text}; what to do: {sign.remedy}"
                self._log.warning("camera.sign", message=text, camera=self._camera, sign=sign.name)
        for name in sorted(before - {sign.name for sign in self.signs}):
            text = f"{self._camera}: no sign of trouble any more: {name} {ended}"
            self._log.info("camera.sign_ended", message=text, camera=self._camera, sign=name)


def fingerprint(camera: CameraSettings) -> str:
    """Of what makes a camera's numbers what they are; a setting that a later version adds does not count unused."""
    usual = to_plain(CameraSettings())
    told = {
        name: value
        for name, value in to_plain(camera).items()
        if value != usual[name] and name not in _OF_NO_MATTER
    }
    return f"{crc32(json.dumps(told, sort_keys=True).encode()):08x}"
