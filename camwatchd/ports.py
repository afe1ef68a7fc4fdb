# SPDX-License-Identifier: MIT
"""Owns the ports: what the supervisor asks of the world, as small Protocols that adapters implement."""

from typing import Protocol


class Notifier(Protocol):
    """The line to systemd. No method blocks or raises; False: it was not sent, and `failures` grew."""

    failures: int
    watchdog_interval: float | None  # seconds, as the unit sets it; None: no watchdog watches this process

    def ready(self) -> bool:
        """Starting up is done (also: reloading is done)."""

    def stopping(self) -> bool:
        """Shutting down has begun."""

    def reloading(self, monotonic: float) -> bool:
        """The configuration is read again, since `monotonic`; ends with `ready()`."""

    def status(self, text: str) -> bool:
        """The one line that `systemctl status` shows."""

    def ping(self) -> bool:
        """Every required camera gave a healthy frame since the last ping. Nothing else may call this."""

    def watchdog_interval_is(self, seconds: float) -> bool:
        """From now on the next ping is due within `seconds`; this itself counts as one."""

    def trigger(self) -> bool:
        """Have systemd fail the unit as if the watchdog had run out; it quotes our status in the journal."""


class EventLog(Protocol):
    """Where events go: a dotted name, and facts as keywords; `message` is the sentence for a human.

    No method blocks or raises; what cannot be written is counted and said later.
    """

    def debug(self, event: str, **facts: object) -> object:
        """For whoever searches a bug."""

    def info(self, event: str, **facts: object) -> object:
        """A change of state that is no trouble."""

    def warning(self, event: str, **facts: object) -> object:
        """Trouble that is being dealt with."""

    def error(self, event: str, **facts: object) -> object:
        """Something failed."""

    def critical(self, event: str, **facts: object) -> object:
        """A human is needed."""


class LimitedLog(EventLog, Protocol):
    """An event log that keeps back what comes too often, and tells it later where it must not be lost."""

    @property
    def deadline(self) -> float:
        """When there is something to tell that was kept back."""

    def tick(self) -> None:
        """Tell it."""

    def end(self) -> None:
        """The process is about to end: tell at once what is kept back."""
