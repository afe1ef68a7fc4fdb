# SPDX-License-Identifier: MIT
"""Owns how scenarios break the installation so that no start can succeed, and how they mend it again."""

import re
from collections.abc import Callable

from .container import UNIT, Container
from .journal import Entry
from .quick import QUICK, WATCHDOG, camera

PERIOD = 1  # seconds, in place of 15 minutes
RETRY_SOON = f"""
[Timer]
OnActiveSec=
OnActiveSec={PERIOD}s
"""
_TAKES = 10  # seconds; a start, and the second by which systemd may let a timer be late
_FAILURES = 5  # StartLimitBurst=4: the last of them would be a reboot, did they add up
_OPEN = "^systemd's start limit may reboot this machine again"
_FAILED = r"^camwatchd\.service: Failed with result 'exit-code'"
_STARTED = r"^Started camwatchd\.service"
_PACKAGE = "/usr/lib/python3/dist-packages/camwatchd"


def fails_until_mended(
    container: Container, damage: Callable[[Container], None], says: str, mend: Callable[[Container], None]
) -> None:
    """It ran, and its start limit may reboot. Damaged it fails, says so in its own lines and reboots nothing; mended
    it runs again, and nobody has started it.
    """
    container.configure(QUICK, camera("cam0"))
    container.drop_in(WATCHDOG)
    container.drop_in(RETRY_SOON, unit="camwatchd-retry.timer")
    container.boot()
    failure = container.entry(_OPEN)

    damage(container)
    container.run(f"systemctl restart {UNIT}", check=False)
    container.await_unit(ActiveState="^failed$", StartLimitAction="^reboot$")
    container.until(lambda: re.search(says, lines(container), re.DOTALL) is not None, says)
    for _ in range(_FAILURES):
        failure = container.entry(_FAILED, after=failure, UNIT=UNIT)
    mend(container)
    assert_runs(container, container.entry(_STARTED, after=failure, UNIT=UNIT, timeout=PERIOD + _TAKES))


def lines(container: Container) -> str:
    """What a person reads first."""
    return container.run(f"journalctl --no-pager --output=cat --unit={UNIT}").stdout


def assert_runs(container: Container, started: Entry) -> None:
    """With a healthy camera, and in the boot in which it began."""
    container.entry(EVENT="camera.started", CAMERA="cam0", after=started)
    container.await_unit(ActiveState="^active$", NRestarts="^0$")
    assert len({entry.boot for entry in container.journal.all(_STARTED, UNIT=UNIT)}) == 1


def configure(text: str) -> Callable[[Container], None]:
    """One more drop-in of the daemon, in place of the last one."""
    return lambda container: container.put("/etc/camwatchd/conf.d/zz.toml", text)


def shell(command: str) -> Callable[[Container], None]:
    """What an administrator does, or an update."""

    def run(container: Container) -> None:
        container.run(command)

    return run


class Module:
    """A file of the installed package, as it was when it was first damaged."""

    def __init__(self, name: str) -> None:
        self._path = f"{_PACKAGE}/{name}"
        self._whole = b""

    def damage(self, container: Container) -> None:
        self._whole = (container.tree / self._path.lstrip("/")).read_bytes()
        container.put(self._path, self._whole + b"\ndef (\n")

    def mend(self, container: Container) -> None:
        container.put(self._path, self._whole)
