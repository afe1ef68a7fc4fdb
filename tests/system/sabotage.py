# SPDX-License-Identifier: MIT
"""Owns how scenarios break the unit at every start, and the proof that the machine does not reboot for ever."""

from pathlib import Path

from .container import UNIT, Container
from .quick import QUICK, camera

MOST = 2  # reboots: the default of max_boots_without_health
# In place of 15 minutes.
RETRY_SOON = """
[Timer]
OnActiveSec=
OnActiveSec=1s
"""

_FOLDER = "/opt/sabotage"
_CODE = Path(__file__).with_name("sabotaged.py")
_BOOT = 60.0  # seconds; until four starts have failed and the machine is on again
_TOO_OFTEN = r"^camwatchd\.service: Start request repeated too quickly\."
_OPEN = "^systemd's start limit may reboot this machine again"
_CLOSED = r"^systemd's start limit will not reboot this machine: the last {} boots ended in a failure"


def sabotage(container: Container, kind: str, *service: str) -> None:
    """From the next start on, at every start, and with these lines in [Service]; see sabotaged.py."""
    container.put(f"{_FOLDER}/sitecustomize.py", _CODE.read_bytes())
    lines = ["[Service]", "RestartSec=0.2", f'Environment=PYTHONPATH={_FOLDER} "SABOTAGE={kind}"', *service]
    container.drop_in("\n".join(lines) + "\n", name="sabotage")


def armed(container: Container) -> None:
    """On, with a healthy camera: from now on one start too many would reboot it."""
    container.configure(QUICK, camera("cam0"))
    container.boot()
    container.entry(_OPEN)
    assert container.unit("StartLimitAction") == {"StartLimitAction": "reboot"}


def worked_before(container: Container) -> None:
    """Off, after a boot with a healthy camera, without which the guard would allow no reboot at all."""
    armed(container)
    container.power_off()


def assert_reboots_end(container: Container, result: str) -> None:
    """It worked before; from now on each start fails, with this result. It reboots so often as it may, and then
    never again, though systemd and camwatchd-retry.timer try the unit again and again.
    """
    container.drop_in(RETRY_SOON, unit="camwatchd-retry.timer")
    container.boot(ready=False)
    for _ in range(MOST):
        container.await_reboot(_BOOT, ready=False)
    entry = container.entry(_CLOSED.format(MOST), SYSLOG_IDENTIFIER="guard")
    for _ in range(2):  # systemd's own restarts, then those after the timer
        entry = container.entry(_TOO_OFTEN, after=entry, UNIT=UNIT)
    container.await_unit(ActiveState="^failed$")

    failures = container.journal.all("Failed with result", UNIT=UNIT)
    assert {entry["UNIT_RESULT"] for entry in failures} == {result}
    assert container.on
