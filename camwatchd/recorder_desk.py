# SPDX-License-Identifier: MIT
"""Owns what becomes of a record: written and acknowledged, or kept and tried again; and the verdict on a request.

What waits is bounded by the supervisor, which sends few records ahead of their acknowledgements.
"""

import sqlite3
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from camwatchd.adapters import ledger_schema
from camwatchd.adapters.durable import HealthMark
from camwatchd.adapters.ledger import Entry, Ledger
from camwatchd.adapters.ledger_boots import Moment
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.adapters.machine import Machine
from camwatchd.core.budget import DAY, Facts, Verdict, decide_reboot, decide_restart
from camwatchd.core.faults import FAULTS
from camwatchd.core.flight import HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.records import (
    UNASKED,
    Answered,
    AskLeave,
    Begin,
    CameraHealthy,
    KeepSigns,
    Opened,
    RecallSigns,
    Record,
    Reply,
    SignsKept,
    SignsRecalled,
    Unwritten,
    Written,
)

NOTE_EVERY = 600.0  # seconds between two notes of the powered-on time; the only writes while all is well
TRY_AGAIN = 5.0  # seconds between two attempts to write what could not be written
# Faults of the service's own start, which another start cures.
_OF_THE_SERVICE = frozenset(name for name, fault in FAULTS.items() if fault.entry is Rung.RESTART_SERVICE)

# What a content that nobody wrote leads to: rows that are missing, text in the place of numbers.
_NONSENSE = (TypeError, ValueError, LookupError, ArithmeticError)

T = TypeVar("T")


@dataclass(slots=True)
class Waiting:
    """A record that is not written yet, and the trouble that its sender was told of."""

    entry: Entry
    told: str = ""


@dataclass(slots=True, kw_only=True)
class Desk:
    """Takes records, says replies. `medium`: why the state directory proves nothing. `tick()` at `deadline`.

    `look` tells how the machine does, within a second or two.
    """

    file: LedgerFile
    health: HealthMark
    medium: str
    machine: Machine
    boot: str
    start: str
    say: Callable[[int, Reply], None]
    clock: Callable[[], float] = time.monotonic
    look: Callable[[], HostFacts] = HostFacts
    deadline: float = field(init=False)
    _trouble: str = ""
    _waiting: list[Waiting] = field(default_factory=list)
    _beside: dict[str, str] = field(
        default_factory=dict
    )  # by camera: what is written with whatever is written next
    _ledger: Ledger | None = None

    def __post_init__(self) -> None:
        self.deadline = self.clock() + NOTE_EVERY

    def take(self, serial: int, record: Record) -> None:
        """Have it written with the next `settle()`; a request is answered at once, after all that came before it."""
        entry = Entry(serial, record, self._moment())
        if isinstance(record, KeepSigns):
            self._beside[record.camera] = record.state
            host = self.look() if record.about else HostFacts()
            self.say(serial, SignsKept(record.camera, record.about, host))
            return
        if isinstance(record, AskLeave):
            self._write_down()
            verdict = self._verdict(entry, record)
            self._tell_tidings()
            self.say(serial, Answered(verdict))
            return
        self._waiting.append(Waiting(entry))

    def settle(self) -> None:
        """Write down what was taken, in one go."""
        if not all(waiting.told for waiting in self._waiting):
            self._write_down()

    def tick(self) -> None:
        """Do what is due: try again, or note the powered-on time."""
        if self.clock() < self.deadline:
            return
        if self._waiting:
            self._write_down()
        else:
            self._note()

    def close(self) -> None:
        """The last attempt, and the end."""
        self._write_down()
        if self._beside and not self._waiting:
            self._note()
        self._shut()

    # --- records ------------------------------------------------------------------------------------------

    def _write_down(self) -> None:
        """All that waits, in its order, and acknowledge it; or say why that cannot be done."""
        if not self._waiting:
            return
        if (replies := self._try(self._write)) is None:
            self._tell_trouble()
            return
        written, self._waiting, self.file.tidings = self._waiting, [], []
        self._beside.clear()
        for waiting, reply in zip(written, replies, strict=True):
            self.say(waiting.entry.serial, reply)

    def _note(self) -> None:
        moment = self._moment()
        if self._try(lambda ledger: ledger.note(moment, self._beside)) is not None:
            self._beside.clear()
            self._tell_tidings()

    def _write(self, ledger: Ledger) -> list[Reply]:
        for waiting in self._waiting:
            if isinstance(waiting.entry.record, CameraHealthy) and waiting.entry.record.required:
                self.health.set()
        notes = ledger.write((waiting.entry for waiting in self._waiting), self._beside)
        notes[0] = "; ".join(filter(None, [*self.file.tidings, notes[0]]))
        pairs = zip(self._waiting, notes, strict=True)
        return [self._reply(ledger, waiting.entry.record, note) for waiting, note in pairs]

    def _reply(self, ledger: Ledger, record: Record, note: str) -> Reply:
        if isinstance(record, Begin):
            story = (*filter(None, [note]), *ledger.story())
            return Opened(self.medium, story, ledger.healthy_cameras())
        if isinstance(record, RecallSigns):
            return SignsRecalled(record.camera, ledger.signs(record.camera))
        return Written(note)

    def _tell_trouble(self) -> None:
        for waiting in self._waiting:
            if waiting.told != self._trouble:
                self.say(waiting.entry.serial, Unwritten(self._trouble))
                waiting.told = self._trouble

    def _tell_tidings(self) -> None:
        """What became of the ledger, where no acknowledgement tells it: the next may be days away."""
        if self.file.tidings and not self._trouble:
            self.say(UNASKED, Written("; ".join(self.file.tidings)))
            self.file.tidings = []

    # --- requests -----------------------------------------------------------------------------------------

    def _verdict(self, entry: Entry, ask: AskLeave) -> Verdict:
        verdict = None
        if not self._waiting:  # else the ledger lacks what came before
            verdict = self._try(lambda ledger: self._decide(ledger, entry, ask))
        # Without a ledger nothing is granted: a grant that is not written down cannot be counted after the boot.
        return verdict or _decide(ask, Facts(untrusted=self._trouble))

    def _decide(self, ledger: Ledger, entry: Entry, ask: AskLeave) -> Verdict:
        if given := ledger.given(entry.serial):
            return given
        facts = ledger.facts(ask, entry.moment)
        if ask.rung is Rung.REBOOT:
            # A restart of the service stays within the boot: even a ledger in memory knows enough for it.
            facts = self.machine.look(ask.rules, replace(facts, untrusted=self.medium))
        verdict = _decide(ask, facts)
        ledger.settle(entry.serial, ask, verdict, entry.moment)
        return verdict

    # --- the ledger ---------------------------------------------------------------------------------------

    def _try(self, act: Callable[[Ledger], T], *, anew: bool = False) -> T | None:
        """Do it with the ledger; None: that is not possible now, and `_trouble` says why."""
        was_open = self._ledger is not None
        try:
            result = act(self._opened())
        except (OSError, sqlite3.Error, *_NONSENSE) as error:
            self._shut()
            if was_open:  # opened afresh it is mended, or the trouble has a better name
                return self._try(act)
            if not anew and self._may_be_content(error) and self._is_to_blame(act):
                return self._try_anew(act, error)
            if not isinstance(error, OSError | sqlite3.Error):
                raise
            self._trouble = ledger_schema.explain(error)
            self.deadline = self.clock() + TRY_AGAIN
            return None
        self._trouble = ""
        self.deadline = self.clock() + NOTE_EVERY
        return result

    def _may_be_content(self, error: Exception) -> bool:
        """Damage is SQLite's own word. All else is a guess, which may cost a ledger a day and no more."""
        damage = isinstance(error, sqlite3.Error) and ledger_schema.is_damage(error)
        return damage or (_is_of_content(error) and not self._is_young())

    def _is_young(self) -> bool:
        """Whether it took the place of another within the last powered-on day; one that cannot even tell did not."""
        try:
            with closing(ledger_schema.connect(self.file.path)) as db:
                return Ledger(db, self.boot, self.start).since_set_aside(self._moment()) < DAY
        except (OSError, sqlite3.Error, *_NONSENSE):
            return False

    def _is_to_blame(self, act: Callable[[Ledger], object]) -> bool:
        """Whether it is the ledger's content, which can be set aside, and no bug of ours, which would come again.

        A bug that only shows with certain rows looks just like it, and may cost a ledger in each boot. What that had
        counted counts as spent in the next one (`Mark.SET_ASIDE`): no reboot is ever forgotten.
        """
        ledger = Ledger(ledger_schema.empty(), self.boot, self.start, self.look)
        try:
            ledger.enter(self._moment())
            act(ledger)
        except (OSError, sqlite3.Error, *_NONSENSE):
            return False
        finally:
            ledger.close()
        return True

    def _try_anew(self, act: Callable[[Ledger], T], error: Exception) -> T | None:
        """SQLite finds nothing wrong with it, and yet it makes no sense."""
        try:
            self.file.set_aside(f"is damaged ({' '.join(str(error).split()) or type(error).__name__:.100})")
        except OSError as trouble:
            self._trouble = ledger_schema.explain(trouble)
            self.deadline = self.clock() + TRY_AGAIN
            return None
        return self._try(act, anew=True)

    def _opened(self) -> Ledger:
        if self._ledger is not None and self.file.was_replaced():
            self._shut()
        if self._ledger is None:
            self._ledger = Ledger(self.file.open(), self.boot, self.start, self.look)
            self._ledger.enter(self._moment(), beside_old=self.file.was_set_aside)
        return self._ledger

    def _shut(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _moment(self) -> Moment:
        return Moment(self.machine.uptime(), time.strftime("%Y-%m-%d %H:%M:%S", self.machine.wall()))


def _is_of_content(error: Exception) -> bool:
    """Whether no time and no room will mend it: it is SQLite's own, or came up where rows are read and written."""
    if isinstance(error, sqlite3.Error):
        return ledger_schema.is_damage(error) or ledger_schema.is_odd(error)
    frames = traceback.extract_tb(error.__traceback__)
    return not isinstance(error, OSError) and any(
        Path(frame.filename).name.startswith("ledger") for frame in frames
    )


def _decide(ask: AskLeave, facts: Facts) -> Verdict:
    if ask.rung is Rung.REBOOT:
        return decide_reboot(ask.rules, ask.max_reboots, facts)
    return decide_restart(facts, is_the_cure=ask.fault in _OF_THE_SERVICE)
