# SPDX-License-Identifier: MIT
"""Owns logging: structlog in front, the journal or stderr behind, a limit for storms in between."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, cast

from camwatchd.adapters import console, journal
from camwatchd.adapters.entry import PRIORITIES, Entry, Limiter
from camwatchd.core.alerts import RECOVERY, Alert
from camwatchd.ports import EventLog


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Within, importing one of these says that it is not installed; what is loaded already stays."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python spells it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# structlog's own imports load asyncio with OpenSSL, and rich and twisted where they are installed: 5 to 15 MB
# of memory for nothing. It (and asyncio) copes without each of them.
with _without("ssl", "rich", "better_exceptions", "twisted", "greenlet"):
    import structlog


_LEVELS = {
    "debug": 10,
    "info": 20,
    "warning": 30,
    "error": 40,
    "critical": 50,
}  # structlog 22 knows no names


class _Writer(Protocol):
    def write(self, entry: Entry) -> bool: ...


class _Out:
    """What structlog hands finished entries to; what could not be written is said by the next that can."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._lost = 0

    def write(self, entry: Entry) -> None:
        written = self._writer.write(replace(entry, lost=self._lost))
        self._lost = 0 if written else self._lost + 1

    debug = info = warning = error = critical = write


class _Kind(NamedTuple):
    event: str
    camera: object
    alert: object  # its id; None: none
    exercise: object  # of an alarm drill, which must cost true alerts nothing of what the limit allows


@dataclass(frozen=True, slots=True)
class _Entries:
    """The one structlog processor: keywords to an entry, or none if there were too many like it.

    An alert is what its reader goes on believing. One that was kept back is therefore told as soon as the limit
    allows, unless a later one has made it void: a camera that flapped must not be left with an issue that is over,
    nor with a recovery that did not last.
    """

    limiter: Limiter
    clock: Callable[[], float]
    wall: Callable[[], float]
    kept_back: dict[_Kind, Entry] = field(default_factory=dict)  # alerts, in their order

    def __call__(
        self, _logger: object, level: str, facts: MutableMapping[str, Any]
    ) -> tuple[tuple[Entry], dict[str, Any]]:
        now = self.clock()
        event, message = str(facts.pop("event")), str(facts.pop("message", ""))
        kind = _Kind(event, facts.get("camera"), facts.get("message_id"), facts.get("exercise"))
        suppressed = self.limiter.admit(kind, now)
        priority = int(facts.pop("priority", PRIORITIES[level]))
        entry = Entry(event, message, priority, now, self.wall(), facts, suppressed or 0)
        if kind.alert is not None:
            self._void(kind)
        if suppressed is not None:
            return (entry,), {}
        if kind.alert is not None:
            self.kept_back[kind] = entry
        raise structlog.DropEvent

    def _void(self, later: _Kind) -> None:
        """A recovery ends whatever was said of its camera; another alert ends a recovery, and repeats its like."""
        ends_all = later.alert == RECOVERY.message_id
        about = later.camera, later.exercise
        for kind in [kind for kind in self.kept_back if (kind.camera, kind.exercise) == about]:
            if ends_all or kind.alert in (later.alert, RECOVERY.message_id):
                del self.kept_back[kind]

    @property
    def due(self) -> float:
        """When the next alert that was kept back may be told."""
        return min(map(self.limiter.due, self.kept_back), default=math.inf)

    def overdue(self, until: float) -> Iterator[Entry]:
        """The alerts that may be told by then; each is given once."""
        now = self.clock()
        for kind in [kind for kind in self.kept_back if self.limiter.due(kind) <= until]:
            entry = self.kept_back.pop(kind)
            suppressed = self.limiter.admit(kind, max(now, self.limiter.due(kind))) or 1  # itself at least
            yield replace(entry, suppressed=suppressed - 1, delayed=round(now - entry.monotonic, 3))


class Log:
    """The event log, whose level may change while it is in use.

    A part of the loop: alerts that were kept back are told when it comes to `deadline`, or at the end.
    """

    def __init__(
        self, logger_of: Callable[[str], EventLog], level: str, entries: _Entries, out: _Out
    ) -> None:
        self._logger_of, self._entries, self._out = logger_of, entries, out
        self.level_is(level)

    def level_is(self, level: str) -> None:
        """From now on what is less than this is not logged. Bound anew, so that what is not logged costs nothing."""
        logger = self._logger_of(level)
        self.debug, self.info, self.warning = logger.debug, logger.info, logger.warning
        self.error, self.critical = logger.error, logger.critical

    @property
    def deadline(self) -> float:
        """When there is something to tell that was kept back."""
        return self._entries.due

    def tick(self) -> None:
        """Tell it."""
        self._tell(self._entries.clock())

    def end(self) -> None:
        """There is no later: tell at once what is kept back."""
        self._tell(math.inf)

    def _tell(self, until: float) -> None:
        for entry in self._entries.overdue(until):
            self._out.write(entry)


def build(
    log_format: str,
    level: str,
    stream_fd: int,
    environ: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    journal_address: str = journal.SOCKET,
) -> Log:
    """The log of this process; `log_format` and `level` as in [daemon] of the settings."""
    if log_format == "auto":
        log_format = "journal" if journal.is_ours(environ, stream_fd) else "text"
    out = _Out(_writer(log_format, stream_fd, environ, journal_address))
    entries = _Entries(Limiter(), clock, wall)

    def logger_of(level: str) -> EventLog:
        logger = structlog.wrap_logger(
            out,
            processors=[entries],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
            context_class=dict,
        )
        return cast("EventLog", logger.bind())

    return Log(logger_of, level, entries, out)


def _writer(log_format: str, fd: int, environ: Mapping[str, str], journal_address: str) -> _Writer:
    if log_format == "journal":
        return journal.Journal(journal_address)
    if log_format == "json":
        return console.Console(fd, console.json_line)
    return console.Console(fd, console.text(console.wants_colours(fd, environ)))


def say(log: EventLog, alert: Alert, text: str, **facts: object) -> None:
    """Raise an alert: the sentence begins with its name, and its journal id goes along."""
    level = {2: log.critical, 3: log.error}.get(alert.priority, log.warning)
    facts = {"message_id": alert.message_id, "priority": alert.priority, **facts}
    level(alert.event, message=f"{alert.name}: {text}", **facts)
