# SPDX-License-Identifier: MIT
"""Owns leaving on purpose: a restart of the service or a reboot is asked for, written down, and only then done.

Both are an exit with status 75, which systemd answers with a start. For a reboot every further start leaves at
once, until systemd's start limit is hit and StartLimitAction= reboots.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from camwatchd.adapters import rundir
from camwatchd.bookkeeper import Bookkeeper
from camwatchd.chronicle import last_words
from camwatchd.core import events as ev
from camwatchd.core import lastrungs
from camwatchd.core import records as rec
from camwatchd.core.arithmetic import START_LIMIT_INTERVAL
from camwatchd.core.budget import Kind, Verdict
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from camwatchd.core.state import Phase
from camwatchd.ports import EventLog
from camwatchd.post import Post


class Departure:
    """Asks the recorder for a post, and leaves when it may: `leave(words for the status line)` ends the daemon."""

    def __init__(
        self, folder: str, book: Bookkeeper, log: EventLog, clock: Callable[[], float],
        leave: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._folder, self._book, self._log, self._clock, self._leave = folder, book, log, clock, leave
        self.kept = rundir.load(folder, rundir.boot_id())

    def started(self) -> None:
        """Count this start; what it found is taken up by now."""
        now = self._clock()
        running = {camera: until for camera, until in self.kept.paused.items() if until > now}
        self.keep(
            replace(self.kept.started(now).recent(now, START_LIMIT_INTERVAL), incidents={}, paused=running)
        )

    def paused(self, camera: str, until: float | None) -> None:
        """A restart must not grab a camera whose operator has it."""
        others = {name: end for name, end in self.kept.paused.items() if name != camera}
        self.keep(replace(self.kept, paused=others if until is None else {**others, camera: until}))

    def adjusted(self, camera: str, controls: rundir.Controls) -> None:
        """Applications do not notice a restart that was a recovery: what they have set holds on."""
        self.keep(replace(self.kept, controls={**self.kept.controls, camera: controls}))

    def ended(self) -> None:
        """A human ends the daemon, and begins anew."""
        if self.kept.controls:
            self.keep(replace(self.kept, controls={}))

    def ask(self, post: Post, rung: Rung, rules: Reboot) -> None:
        """May this camera restart the service, or reboot the machine?"""
        state, kept = post.state, self.kept.recent(self._clock(), START_LIMIT_INTERVAL)
        waited = 0.0 if state.waits_since is None else self._clock() - state.waits_since
        record = rec.AskLeave(
            camera=post.camera.name, fault=state.fault, rung=rung, max_reboots=lastrungs.max_reboots(state),
            rules=rules, starts=len(kept.starts), service_restarts=len(kept.restarts),
            waited_for_others=waited, words=last_words(post.evidence),
        )  # fmt: skip
        self._book.ask(record, partial(self._answered, post, record, state.since))

    def keep(self, kept: rundir.Kept) -> bool:
        """False: the runtime directory takes nothing; then nobody leaves, for the next start would not know why."""
        self.kept = kept
        if trouble := rundir.save(self._folder, kept):
            self._log.error("rundir.unwritable", message=trouble)
        return not trouble

    def _answered(self, post: Post, asked: rec.AskLeave, since: float, verdict: Verdict) -> None:
        if post.state.phase is not Phase.LEAVING or post.state.since != since:
            if verdict.kind is Kind.GRANTED:  # frames came back meanwhile, or something worse was asked for
                self._book.revoke(asked)
            return
        if verdict.kind is Kind.GRANTED:
            self._go(post, asked)
            return
        postponed = verdict.kind is Kind.POSTPONED
        post.feed(ev.LeaveRefused(verdict.name, verdict.detail, verdict.again_in, postponed))

    def _go(self, post: Post, asked: rec.AskLeave) -> None:
        before, rung, why = self.kept, asked.rung, f"{post.camera.name}: {post.state.fault}"
        kept = before
        if rung is Rung.REBOOT:
            kept = replace(kept, intent=f"reboot for {why}")
        else:
            incidents = {**kept.incidents, post.camera.name: post.state}
            kept = replace(kept, restarts=(*kept.restarts, self._clock()), incidents=incidents)
        if not self.keep(kept):
            self.kept = before  # or the intent would be kept with whatever is kept next
            self._book.revoke(asked)
            post.feed(ev.LeaveRefused("no-runtime-directory", "the next start would not know why", 60.0))
            return
        then = (
            "systemd's start limit reboots the machine"
            if rung is Rung.REBOOT
            else "systemd starts us afresh"
        )
        self._log.critical(
            "service.leaving", message=f"{why}: {rung} is written down; leaving with status 75, {then}",
            camera=post.camera.name, fault=post.state.fault, rung=rung.value,
        )  # fmt: skip
        self._leave(f"leaving for {rung} ({why})")
