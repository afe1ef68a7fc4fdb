# SPDX-License-Identifier: MIT
"""Proves that what no other start can cure is told and never reboots, and that once mended it runs by itself."""

import pytest

from .container import Container
from .mending import Module, configure, fails_until_mended, shell

pytestmark = pytest.mark.system

RETRIED = ".*it stays down; camwatchd-retry.timer tries again"


@pytest.mark.scenario(8, "bad configuration: says what to do, no reboot; mended, it runs by itself")
def test_bad_configuration(container: Container) -> None:
    """Bad configuration: the unit fails with a message that says what to do, nothing reboots; once mended, it is
    running again without a human within the timer's period.
    """
    says = r'conf\.d/zz\.toml: supervision\.frame_timeout = "soon"\n  expected .*hint: .*camwatchd --check-config'
    bad = configure('[supervision]\nframe_timeout = "soon"\n')
    fails_until_mended(container, bad, says + RETRIED, configure(""))


@pytest.mark.scenario(8, "missing python3-structlog: says what to do, no reboot; mended, it runs by itself")
def test_missing_dependency(container: Container) -> None:
    """Missing dependency (python3-structlog removed by force): a message that says what to do, no reboot; what the
    message says mends it.
    """
    says = "ModuleNotFoundError: No module named 'structlog'.*apt install --fix-broken"
    removed = shell("dpkg --remove --force-depends python3-structlog")
    fails_until_mended(container, removed, says + RETRIED, shell("apt-get install --yes --fix-broken"))


@pytest.mark.scenario(
    8, "a syntax error in the package: says what to do, no reboot; mended, it runs by itself"
)
@pytest.mark.parametrize(
    "file", ["supervisor.py", "errors.py"]
)  # imported by main(), and before there is one
def test_broken_code(container: Container, file: str) -> None:
    """Broken code (a syntax error in the installed package): a message that says what to do, no reboot; once mended,
    it is running again without a human.
    """
    says = rf'/camwatchd/{file}", line .*SyntaxError.*apt install --reinstall camwatchd'
    module = Module(file)
    fails_until_mended(container, module.damage, says + RETRIED, module.mend)


@pytest.mark.scenario(8, "missing user: says what to do, no reboot; mended, it runs by itself")
def test_missing_user(container: Container) -> None:
    """Missing user: a message that says what to do, no reboot; what the message says mends it."""
    says = "its user camwatchd is missing: run systemd-sysusers.*camwatchd-retry.timer tries again"
    fails_until_mended(container, shell("userdel --force camwatchd"), says, shell("systemd-sysusers"))
