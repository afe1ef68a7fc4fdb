# SPDX-License-Identifier: MIT
"""Owns what the daemon says of itself: READY, STATUS and watchdog pings to systemd, and a summary now and then.

What systemd does not take now (its socket is full) it is told after the next turn, until it does.
"""

import gc
from collections.abc import Callable, Sequence

from camwatchd import aspects
from camwatchd.core import lease, status
from camwatchd.core.state import Phase
from camwatchd.ports import EventLog, Notifier
from camwatchd.post import Post

_STATUS_EVERY = (5.0, 1.0)  # seconds between status lines when all is well, and when a countdown runs
_STATUS_PAUSE = (
    0.25  # seconds at least between two: a camera that flaps must not keep systemd and D-Bus busy
)
_NEVER = float("inf")


class Herald:
    """Speaks for `posts`, a list that others change. `tell()` after every turn, and at `deadline`."""

    def __init__(
        self, notifier: Notifier, log: EventLog, clock: Callable[[], float], *,
        posts: Sequence[Post], note: Callable[[], str], summary_interval: float,
    ) -> None:  # fmt: skip
        self._notifier, self._log, self._clock = notifier, log, clock
        self._posts, self._note = posts, note
        self._watchdog = lease.Watchdog(notifier.watchdog_interval)
        self._said: tuple[object, ...] = ()
        self._said_at = -_NEVER
        self._status_at = -_NEVER  # when it is due to be said again
        self._owes_ready = True
        self._pay_at = -_NEVER  # when the watchdog wants to be looked at even if nothing happens
        self._interval = summary_interval
        self._summary_at = clock() + summary_interval
        self.pings = 0

    @property
    def deadline(self) -> float:
        """When there is something to say though nothing happens."""
        return min(self._status_at, self._pay_at, self._summary_at)

    def tell(self) -> None:
        """Say what is due, the ping last."""
        if self._clock() >= self._summary_at:
            self._summarise()
        if self._owes_ready:
            self.ready()
        self._say_status()
        self._pay_watchdog()

    def ready(self) -> None:
        """Starting up is done, or reading the configuration again."""
        self._owes_ready = not self._notifier.ready()

    def summarise_every(self, seconds: float) -> None:
        """The interval of the summary has changed; a longer one counts from the next summary on."""
        self._interval = seconds
        self._summary_at = min(self._summary_at, self._clock() + seconds)

    # --- systemd ------------------------------------------------------------------------------------------

    def _pay_watchdog(self) -> None:
        now, gates = self._clock(), [aspects.gate(post) for post in self._posts if post.camera.required]
        watchdog, orders = lease.pay(self._watchdog, gates, now)
        self._pay_at = now + _STATUS_PAUSE
        if all([self._pay(order) for order in orders]):  # noqa: C419  # each is tried, whatever becomes of the other
            self._watchdog, self._pay_at = watchdog, lease.due(watchdog, gates)

    def _pay(self, order: lease.Order) -> bool:
        if isinstance(order, lease.SetInterval):
            sent = self._notifier.watchdog_interval_is(order.seconds)
            self._log.debug("watchdog.interval", seconds=round(order.seconds, 3), sent=sent)
            return sent
        if not self._notifier.ping():
            return False
        self.pings += 1
        for post in self._posts:
            post.delivered = False
        return True

    def _say_status(self) -> None:
        now, views, note = self._clock(), [aspects.view(post) for post in self._posts], self._note()
        key = (status.key(views), note)
        calm = all(post.state.phase is Phase.HEALTHY for post in self._posts)
        steady = _STATUS_EVERY[not calm]
        self._status_at = self._said_at + (steady if key == self._said else _STATUS_PAUSE)
        if now >= self._status_at:
            sent = self._notifier.status(status.line(views, now, note))
            self._said, self._said_at, self._status_at = key if sent else (), now, now + steady

    # --- the journal --------------------------------------------------------------------------------------

    def _summarise(self) -> None:
        """One canonical line now and then: what a healthy camera leaves in the journal."""
        now = self._clock()
        self._summary_at = now + self._interval
        # Gives back what Python keeps for tuples to come: without it 200 recoveries left 4 % more memory behind.
        gc.collect()
        for post in self._posts:
            tally, latencies = post.figures.tally, post.figures.take_latencies()
            text = (
                f"{post.camera.name}: {tally.captures} healthy captures, {tally.failures} failed, "
                f"availability {100 * tally.availability(now):.3f} %"
            )
            self._log.info(
                "camera.summary", message=text, camera=post.camera.name, captures=tally.captures,
                failures=tally.failures, outages=tally.outages, recoveries=tally.recoveries,
                availability=round(tally.availability(now), 6), mtbf=tally.mtbf(now), mttr=tally.mttr(),
                dropped=post.figures.dropped, late=post.figures.late_frames, fps=round(aspects.fps(post), 2),
                latency_p50=latencies.quantile(0.5), latency_p99=latencies.quantile(0.99),
                latencies=latencies.text() or None,
                watchdog_pings=self.pings, notify_failures=self._notifier.failures,
            )  # fmt: skip
