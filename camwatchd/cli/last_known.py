# SPDX-License-Identifier: MIT
"""Owns what the ledger knows while the daemon does not answer: how each camera was last, which reboots are left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from camwatchd.core import days
from camwatchd.core.budget import DAY, WEEK
from camwatchd.core.settings import Reboot
from camwatchd.errors import ConfigError

if TYPE_CHECKING:
    from camwatchd.adapters.ledger_story import Asked, Headline, History, Proof

_LOST = "none within 7 powered-on days of a ledger that was set aside, with its count of them"
_HELPED = {True: "it helped", False: "it did not help", None: "whether it helped is not known yet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCamera:
    """One camera, as it was written of last. Times of day are the machine's own, for display only."""

    name: str
    in_trouble: bool  # an incident is open, or the machine went down in it
    healthy: str = ""  # the last proof of health: of this start, or of the end of an incident; empty: never
    incident: int | None = None  # the last one that was no drill; null: none is kept
    fault: str = ""
    began: str = ""
    ended: str = ""  # how, in words; empty: it is open


@dataclass(frozen=True, slots=True, kw_only=True)
class LastReboot:
    """The last reboot that was granted; `observed`: it would have been, but for mode = "observe"."""

    camera: str
    fault: str
    wall: str
    observed: bool
    helped: bool | None  # null: not known yet
    in_this_boot: bool  # it is still to come


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSign:
    """A sign of trouble to come, as it was when that was last written down, which is done every hour."""

    camera: str
    name: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastKnown:
    """What the ledger says. `trouble`: why it says nothing; `unlimited`: why limits, or what counts, are not known."""

    trouble: str = ""
    hint: str = ""
    cameras: tuple[LastCamera, ...] = ()
    signs: tuple[LastSign, ...] = ()
    ran_in_this_boot: bool = False
    reboot: LastReboot | None = None  # null: none is remembered
    reboots_in_a_day: int = 0  # the last 24 h in which the machine was on, as far as the ledger knows
    reboots_in_a_week: int = 0
    reboots_left: int | None = None  # by these two limits; null: they are not known
    reboot_mode: str = ""
    unlimited: str = ""

    def only(self, names: Sequence[str]) -> "LastKnown":
        """Of these cameras; all, if none is named."""
        if not names:
            return self
        cameras = tuple(each for each in self.cameras if each.name in names)
        return replace(
            self, cameras=cameras, signs=tuple(each for each in self.signs if each.camera in names)
        )


def read(folder: Path, config: Path, drop_ins: Path) -> LastKnown:
    """Of the ledger in this folder, by the limits of this configuration; never raises for what is wrong with them."""
    from camwatchd.adapters import ledger_reading, ledger_story, rundir

    rules, wrong = _rules(config, drop_ins)
    try:
        with ledger_reading.opened(folder) as copy:
            history = ledger_story.history(copy.db, rundir.boot_id())
            known = of(history, ledger_story.proofs(copy.db), rules, wrong)
            known = replace(known, signs=tuple(_signs(ledger_story.days(copy.db))))
            spent = ledger_story.is_spent(copy.db)
            return replace(known, reboots_left=0, unlimited=_LOST) if spent else known
    except ledger_reading.LedgerError as error:
        return LastKnown(trouble=error.message, hint=error.hint)


def _rules(config: Path, drop_ins: Path) -> tuple[Reboot | None, str]:
    from camwatchd.adapters.config import load_named

    try:
        return load_named(config, drop_ins).settings.reboot, ""
    except ConfigError:  # which may be just why nobody answers
        return None, "the configuration cannot be used; see: camwatchctl check-config"


def of(history: "History", proofs: "tuple[Proof, ...]", rules: Reboot | None, wrong: str = "") -> LastKnown:
    """What the past amounts to; `wrong`: why there are no rules."""
    asked = [one for boot in history.boots for one in reversed(boot.asked)]  # the last first
    counted = [one.at for one in asked if one.observed == bool(rules and rules.mode == "observe")]
    day, week = (sum(at > history.now - span for at in counted) for span in (DAY, WEEK))
    left = None
    if rules:
        left = max(0, min(rules.max_reboots_per_day - day, rules.max_reboots_per_week - week))
    return LastKnown(
        cameras=tuple(_cameras(history, proofs)), ran_in_this_boot=history.knows_this_boot,
        reboot=_reboot(asked[0], history) if asked else None,
        reboots_in_a_day=day, reboots_in_a_week=week, reboots_left=left,
        reboot_mode=rules.mode if rules else "", unlimited=wrong,
    )  # fmt: skip


def _signs(kept: Iterable[tuple[str, str]]) -> Iterator[LastSign]:
    for camera, state in kept:
        if life := days.read(state, None):
            for name, text, remedy in life.signs():
                yield LastSign(camera=camera, name=name, text=text, remedy=remedy)


def _cameras(history: "History", proofs: "tuple[Proof, ...]") -> Iterator[LastCamera]:
    healthy = {proof.camera: proof for proof in proofs}
    last: dict[str, Headline] = {}
    for one in history.incidents:  # the newest first
        if not one.drill:
            last.setdefault(one.camera, one)
    for name in sorted({*healthy, *last}):
        yield _last(name, healthy.get(name), last.get(name))


def _last(name: str, proof: "Proof | None", one: "Headline | None") -> LastCamera:
    wall = proof.wall if proof else ""
    if one is None:
        return LastCamera(name=name, in_trouble=False, healthy=wall)
    proved = proof is not None and proof.at >= one.at
    trouble = not one.ended or not (proved or one.ended.startswith("healthy"))
    return LastCamera(
        name=name, in_trouble=trouble, healthy=wall, incident=one.number, fault=one.fault, began=one.wall,
        ended=one.ended,
    )  # fmt: skip


def _reboot(asked: "Asked", history: "History") -> LastReboot:
    now = history.knows_this_boot and asked in history.boots[0].asked
    return LastReboot(
        camera=asked.camera, fault=asked.fault, wall=asked.wall, observed=asked.observed, helped=asked.helped,
        in_this_boot=now,
    )  # fmt: skip


# --- for humans ---------------------------------------------------------------------------------------------


def sentences(known: LastKnown, asked: Sequence[str] = ()) -> Iterator[str]:
    """One for each camera, then the reboots; or why nothing is known. `asked`: the cameras that are named."""
    if known.trouble:
        yield f"ledger: {known.trouble}"
        if known.hint:
            yield f"  hint: {known.hint}"
        return
    if not known.cameras:
        of = f"nothing of {', '.join(asked)}" if asked else "of no camera"
        yield f"ledger: it knows {of}: none was ever healthy or in trouble here"
    elif not known.ran_in_this_boot:
        yield "ledger: camwatchd has not run since this machine booted; what follows is from before"
    yield from (f"ledger: {_camera(camera)}" for camera in known.cameras)
    yield from (f"ledger: {line}" for line in _told(known.signs))
    yield f"ledger: {_asked(known.reboot)}"
    yield f"ledger: {_budget(known)}"


def _camera(camera: LastCamera) -> str:
    proof = camera.healthy or "never"
    see = f"; see: camwatchctl incident {camera.incident}"
    if camera.in_trouble:
        how = f" ({camera.ended})" if camera.ended else ""
        return f"{camera.name} was IN TROUBLE: {camera.fault} since {camera.began}{how}; last healthy: {proof}{see}"
    if camera.incident is None:
        return f"{camera.name} was healthy, since {proof}; no incident is remembered"
    past = f"last incident: {camera.fault} at {camera.began}, {camera.ended}"
    return f"{camera.name} was healthy, since {proof}; {past}{see}"


def _told(signs: tuple[LastSign, ...]) -> Iterator[str]:
    """Of each camera one; who wants all of them takes the JSON."""
    first = {sign.camera: sign for sign in reversed(signs)}
    for camera, sign in sorted(first.items()):
        more = sum(each.camera == camera for each in signs) - 1
        yield f"{camera} had a sign of trouble to come: {sign.text}{f' (and {more} more)' if more else ''}"


def _asked(reboot: LastReboot | None) -> str:
    if reboot is None:
        return "no reboot that camwatchd asked for is remembered"
    whose = f"{reboot.wall}, for {reboot.camera} ({reboot.fault})"
    if reboot.observed:
        return f'a reboot would have been asked for: {whose}, but for [reboot] mode = "observe"'
    if reboot.in_this_boot:
        return f"a REBOOT WAS ASKED FOR in this boot: {whose}; systemd does it at the start limit of the service"
    return f"last reboot asked for: {whose}: {_HELPED[reboot.helped]}"


def _budget(known: LastKnown) -> str:
    done = f"{known.reboots_in_a_day} in 24 powered-on hours, {known.reboots_in_a_week} in 7 days"
    if known.reboots_left is None:
        return f"reboots so far: {done}; how many are left is not known: {known.unlimited}"
    if known.reboot_mode not in ("armed", ""):  # empty: not known either
        left = f"the limits would leave {known.reboots_left} (so far: {done})"
        return f'nothing reboots now, as [reboot] mode = "{known.reboot_mode}"; {left}'
    if known.unlimited:
        return f"reboots left now: {known.reboots_left}: {known.unlimited}"
    return f'reboots left now: {known.reboots_left} (so far: {done}; [reboot] mode = "{known.reboot_mode}")'
