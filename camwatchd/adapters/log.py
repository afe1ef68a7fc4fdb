# SPDX-License-Identifier: MIT
"""Owns logging: structlog in front, the journal or stderr behind, a limit for storms in between."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from camwatchd.adapters import console, journal
from camwatchd.adapters.entry import PRIORITIES, Entry, Limiter
from camwatchd.core.alerts import Alert
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

    def _write(self, entry: Entry) -> None:
        written = self._writer.write(replace(entry, lost=self._lost))
        self._lost = 0 if written else self._lost + 1

    debug = info = warning = error = critical = _write


@dataclass(frozen=True, slots=True)
class _Entries:
    """The one structlog processor: keywords to an entry, or none if there were too many like it."""

    limiter: Limiter
    clock: Callable[[], float]
    wall: Callable[[], float]

    def __call__(
        self, _logger: object, level: str, facts: MutableMapping[str, Any]
    ) -> tuple[tuple[Entry], dict[str, Any]]:
        now = self.clock()
        event, message = str(facts.pop("event")), str(facts.pop("message", ""))
        kind = (event, facts.get("camera"), facts.get("message_id"))
        if (suppressed := self.limiter.admit(kind, now)) is None:
            raise structlog.DropEvent
        priority = int(facts.pop("priority", PRIORITIES[level]))
        return (Entry(event, message, priority, now, self.wall(), facts, suppressed),), {}


class Log:
    """The event log, whose level may change while it is in use."""

    def __init__(self, logger_of: Callable[[str], EventLog], level: str) -> None:
        self._logger_of = logger_of
        self.level_is(level)

    def level_is(self, level: str) -> None:
        """From now on what is less than this is not logged. Bound anew, so that what is not logged costs nothing."""
        logger = self._logger_of(level)
        self.debug, self.info, self.warning = logger.debug, logger.info, logger.warning
        self.error, self.critical = logger.error, logger.critical


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

    return Log(logger_of, level)


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
