# SPDX-License-Identifier: MIT
"""Owns camwatchd's way into the machine: the package that `make deb` has built, installed but not started."""

from tests.system.installed import package

from .shell import Shell

_PACKAGE = "/root/camwatchd.deb"

# A test says when the daemon starts; deb-systemd-invoke asks policy-rc.d.
_SET_UP = f"""
set -e
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
dpkg --install {_PACKAGE}
rm /usr/sbin/policy-rc.d {_PACKAGE}
"""


def install(shell: Shell) -> None:
    """Everything but the start."""
    shell.push(package(), _PACKAGE)
    shell.run(_SET_UP, timeout=180, check=True)


def configure(shell: Shell, configuration: str) -> None:
    """On top of what is shipped."""
    shell.write("/etc/camwatchd/conf.d/test.toml", configuration.encode())
