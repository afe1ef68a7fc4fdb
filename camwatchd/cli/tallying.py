# SPDX-License-Identifier: MIT
"""Owns what `monitor` counts: what the daemon's own totals gained while it was watched. It asks and writes nothing."""

from dataclasses import dataclass, fields, replace

from camwatchd.control.facts import CameraFacts, Condition, StatusFacts, Totals, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One camera over the time that it was watched."""

    captures: int = 0
    failures: int = 0
    outages: int = 0
    recoveries: int = 0  # outages that ended
    repairs: float = 0.0  # seconds that these took
    observed: float = 0.0  # seconds
    downtime: float = 0.0  # of them without health; without a daemon too, for nobody can tell
    lowest_score: int = 100

    @property
    def availability(self) -> float | None:
        """The healthy share; None: nothing was watched yet."""
        return max(0.0, 1 - self.downtime / self.observed) if self.observed > 0 else None

    @property
    def mtbf(self) -> float | None:
        """Mean healthy seconds between outages; None: there was none."""
        return (self.observed - self.downtime) / self.outages if self.outages else None

    @property
    def mttr(self) -> float | None:
        """Mean seconds to recovery; None: there was none."""
        return self.repairs / self.recoveries if self.recoveries else None


_SUMMED = [field.name for field in fields(Totals) if field.name in {own.name for own in fields(Seen)}]


class Tally:
    """Feed it looks in their order."""

    def __init__(self) -> None:
        self.cameras: dict[str, Seen] = {}
        self.away = 0.0  # seconds without a daemon
        self.restarts = 0
        self._before: StatusFacts | None = None
        self._at: float | None = None
        self._lately = 0.0  # seconds without a daemon since it answered last
        self._lost: dict[str, float] = {}  # who was well when the daemon went: its downtime then

    def note(self, facts: StatusFacts | None, at: float) -> None:
        """What was seen at this monotonic second; None: the daemon did not answer."""
        passed = 0.0 if self._at is None else at - self._at
        self._at = at
        if facts is None:
            self._absent(passed)
            return
        before = self._before or facts  # what was before the first look is no concern of ours
        if before.daemon.pid != facts.daemon.pid:
            self.restarts += 1
            gone = passed - facts.daemon.uptime  # between two looks
            self._absent(max(0.0, gone))
            before = replace(facts, cameras=())
            self._lately = min(self._lately, max(0.0, -gone))  # it lived already, and did not answer, either
        known = {camera.name: camera.totals for camera in before.cameras}
        for camera in facts.cameras:
            self._add(camera, known.get(camera.name, Totals()))
        self._before, self._lately = facts, 0.0

    def _absent(self, seconds: float) -> None:
        """An outage of the daemon is one of every camera that was well."""
        self.away += seconds
        self._lately += seconds
        well = {c.name for c in self._before.cameras if _is_well(c)} if self._before else set()
        for name, seen in self.cameras.items():
            if name in well and name not in self._lost:
                self._lost[name] = seen.downtime
                seen = replace(seen, outages=seen.outages + 1)
            self.cameras[name] = replace(
                seen, observed=seen.observed + seconds, downtime=seen.downtime + seconds
            )

    def _add(self, camera: CameraFacts, before: Totals) -> None:
        if camera.totals.observed < before.observed:  # taken anew, after a change of the configuration
            before = Totals()
        seen = self.cameras.get(camera.name, Seen())
        gained = {n: getattr(seen, n) + self._gain(n, camera.totals, before) for n in _SUMMED}
        lowest = seen.lowest_score if camera.drill else min(seen.lowest_score, camera.health_score)
        seen = replace(seen, **gained, lowest_score=lowest)
        if camera.name in self._lost and _is_well(camera):
            took = seen.downtime - self._lost.pop(camera.name)
            seen = replace(seen, recoveries=seen.recoveries + 1, repairs=seen.repairs + took)
        self.cameras[camera.name] = seen

    def _gain(self, name: str, now: Totals, before: Totals) -> float:
        """Of a daemon that only did not answer for a while, that while is in its own totals, too."""
        gain: float = getattr(now, name) - getattr(before, name)
        return max(0.0, gain - self._lately) if name in ("observed", "downtime") else gain


def _is_well(camera: CameraFacts) -> bool:
    return condition(camera) is Condition.HEALTHY
