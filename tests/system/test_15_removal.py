# SPDX-License-Identifier: MIT
"""Proves that the package leaves as if it had never been there, can be switched off, and keeps systemd's rules."""

import re

import pytest

from .container import UNIT, Container
from .installed import INSTALL
from .quick import QUICK, WATCHDOG, camera
from .traces import everything, ours

pytestmark = pytest.mark.system

DISABLE = "/boot/firmware/camwatchd.disable"
SKIPPED = r"^camwatchd\.service - .* skipped.* unmet condition check .*" + re.escape(f"!{DISABLE}")
HEALTHY = "/var/lib/camwatchd/state/healthy"
RUNNING = {
    "camwatchd.service",
    "camwatchd-guard.path",
    "camwatchd-guard.timer",
    "camwatchd-retry.timer",
    "worker",
    "recorder",
    "user",
}
DATA = "/etc/camwatchd/config.toml /etc/camwatchd/conf.d/test-0.toml /var/lib/camwatchd/state/ledger.db"
ALL_UNITS = "camwatchd.service camwatchd-guard.{path,service,timer} camwatchd-retry.{timer,service}"
EXPOSURE = 1.6


@pytest.mark.scenario(15, "remove stops it and keeps its data, purge leaves nothing behind")
def test_remove_and_purge(bare_container: Container) -> None:
    """Remove and purge leave nothing behind: neither file nor user, process nor unit; its data stays until then."""
    container = bare_container
    container.boot()
    container.run("systemctl start boot-id")  # the harness's own, which its drop-in for our unit asks for
    container.run(
        "apt-get update && apt-get install --yes passwd"
    )  # apt does not remove what Debian requires
    before = everything(container)
    container.run(INSTALL, timeout=120)
    container.configure(QUICK, camera("cam0"))
    container.run(f"systemctl restart {UNIT}")
    container.until((container.tree / HEALTHY.lstrip("/")).exists, "a healthy camera")
    container.run("systemctl start camwatchd-retry.timer")  # as after a failure
    container.until(lambda: ours(container) == RUNNING, "all of it at work")

    container.run("apt-get remove --yes camwatchd")
    assert ours(container) == {"user"}
    container.run(f"ls {DATA}")

    container.run("apt-get purge --yes camwatchd && apt-get autoremove --purge --yes")
    assert sorted(everything(container) ^ before) == []


@pytest.mark.scenario(15, "the disable file keeps it from starting, at boot, by hand, after a crash")
def test_the_disable_file(container: Container) -> None:
    """The disable file keeps it from starting; without the file it starts again, and a crash with it ends it."""
    container.configure(QUICK, camera("cam0"))
    container.drop_in(WATCHDOG)
    container.put(DISABLE, "")
    container.boot()
    skipped = container.entry(SKIPPED, UNIT=UNIT)
    container.run(f"systemctl start {UNIT}")
    skipped = container.entry(SKIPPED, UNIT=UNIT, after=skipped)
    container.await_unit(ActiveState="^inactive$", InvocationID="^$")

    container.run(f"rm {DISABLE} && systemctl start {UNIT}")
    container.entry(EVENT="camera.started", CAMERA="cam0")
    container.put(DISABLE, "")
    container.run(f"systemctl kill --signal=SEGV --kill-whom=main {UNIT}")
    container.entry(rf"{SKIPPED}|^{DISABLE} is there: it stays down$", after=skipped)
    container.await_unit(ActiveState="^inactive$", MainPID="^0$")
    assert {"camwatchd.service", "worker", "recorder"}.isdisjoint(ours(container))


@pytest.mark.scenario(15, "systemd-analyze: exposure at most 1.6, nothing to verify", seconds=5)
def test_systemd_analyze(container: Container) -> None:
    """systemd-analyze security at most 1.6; systemd-analyze verify clean."""
    container.boot()
    container.run(f"systemd-analyze security --threshold={EXPOSURE * 10:.0f} {UNIT}")
    # The container has no man(1) that could look for the pages.
    verified = container.run(f"bash -c 'systemd-analyze verify --man=no {ALL_UNITS}'")
    assert verified.stdout + verified.stderr == ""
    container.run("ls /usr/share/man/man8/camwatchd.8.gz /usr/share/man/man1/camwatchctl.1.gz")
