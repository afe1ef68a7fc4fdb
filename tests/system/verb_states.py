# SPDX-License-Identifier: MIT
"""Owns how an installed daemon is brought into each state in which the verbs are tried, and is kept in it."""

from collections.abc import Callable

from .container import Container
from .quick import QUICK, camera
from .verb_rows import INTERRUPTING, SCRIPT

# Its frames are JPEG: so Pillow, which no container has, is not needed for pictures.
_WELL = camera("cam0", format="MJPEG")
_ILL = camera("cam0", {"kind": "stall"}, format="MJPEG")
_RULES = """
[reboot]
mode = "off"
[supervision]
first_frame_timeout = 1
max_recovery_attempts = 2
system_reboot_threshold = 2
[ladder.restart-service]
enabled = false
"""
# In the middle of a recovery until the next state, and called so however many captures fail meanwhile.
_FOR_LONG = "[health]\nexcellent_score = 0\ngood_score = 0\nwarning_score = 0\n[ladder.restart-worker]\nsettle = 300\n"
_AT_ONCE = "[ladder.restart-worker]\nattempts = 1\nsettle = 1\n"
_LOOKS = {
    "healthy": "^cam0 EXCELLENT",
    "recovering": "restart-worker ./2 done, waiting for frames",
    "parked": r"parked, no reboot \(reboots-off\)",
    "paused": "^cam0 paused by its operator",
}


def hold(container: Container, state: str) -> None:
    """Until it is in this state, after something that may have changed it."""
    if state in _LOOKS:
        container.await_unit(StatusText=_LOOKS[state])


def _be(container: Container, *texts: str) -> None:
    container.configure(QUICK, _RULES, *texts)
    container.run("camwatchctl resume && camwatchctl reload")


def _healthy(container: Container) -> None:
    container.put(INTERRUPTING, SCRIPT)
    container.configure(QUICK, _RULES, _WELL)
    container.boot()


def _recovering(container: Container) -> None:
    _be(container, _FOR_LONG, _ILL)


def _parked(container: Container) -> None:
    _be(container, _AT_ONCE, _ILL)


def _paused(_container: Container) -> None:
    """The last that was tried of the parked camera."""


def _stopped(container: Container) -> None:
    _be(container, _WELL)
    container.await_unit(StatusText=_LOOKS["healthy"])
    container.until(lambda: _is_over(container), "the incident is over")
    container.run("systemctl stop camwatchd")


def _is_over(container: Container) -> bool:
    return container.run("camwatchctl history", check=False).returncode == 0


_WAYS: dict[str, Callable[[Container], None]] = {
    "healthy": _healthy,
    "recovering": _recovering,
    "parked": _parked,
    "paused": _paused,
    "stopped": _stopped,
}


def reach(container: Container, state: str) -> None:
    """From the state before it in the table."""
    _WAYS[state](container)
    hold(container, state)
