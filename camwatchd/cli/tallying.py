# SPDX-License-Identifier: MIT
"""Owns what `monitor` counts: what the daemon's own totals gained while it was watched. It asks and writes nothing."""

from dataclasses import dataclass, fields, replace

from camwatchd.control.facts import CameraFacts, StatusFacts, Totals


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
            before = replace(facts, cameras=())
        known = {camera.name: camera.totals for camera in before.cameras}
        for camera in facts.cameras:
            self._add(camera, known.get(camera.name, Totals()))
        self._before = facts

    def _absent(self, seconds: float) -> None:
        self.away += seconds
        for name, seen in self.cameras.items():
            self.cameras[name] = replace(
                seen, observed=seen.observed + seconds, downtime=seen.downtime + seconds
            )

    def _add(self, camera: CameraFacts, before: Totals) -> None:
        if camera.totals.observed < before.observed:  # taken anew, after a change of the configuration
            before = Totals()
        seen = self.cameras.get(camera.name, Seen())
        gained = {n: getattr(seen, n) + getattr(camera.totals, n) - getattr(before, n) for n in _SUMMED}
        lowest = seen.lowest_score if camera.drill else min(seen.lowest_score, camera.health_score)
        self.cameras[camera.name] = replace(seen, **gained, lowest_score=lowest)
