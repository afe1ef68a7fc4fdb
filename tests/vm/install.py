# SPDX-License-Identifier: MIT
"""Owns camwatchd's way into the machine: the working tree's files, where the package would put them."""

from pathlib import Path

from . import cache
from .machine import Machine

_MODULES = "/usr/lib/python3/dist-packages/camwatchd"

# -P: a camwatchd/ in the current directory must not be what runs.
_PROGRAMS = {
    "/usr/bin/camwatchd": "camwatchd",
    "/usr/bin/camwatchctl": "camwatchd.cli",
}

# Suffix of a file in systemd/ to its folder in the guest; the first that fits.
_PLACES = (
    (".sysusers.conf", "/usr/lib/sysusers.d", "camwatchd.conf"),
    (".sysusers", "/usr/lib/sysusers.d", "camwatchd.conf"),
    (".tmpfiles.conf", "/usr/lib/tmpfiles.d", "camwatchd.conf"),
    (".tmpfiles", "/usr/lib/tmpfiles.d", "camwatchd.conf"),
    (".catalog", "/usr/lib/systemd/catalog", ""),
    ("-generator", "/usr/lib/systemd/system-generators", ""),
    ("", "/usr/lib/systemd/system", ""),
)

# Creates what the package's maintainer scripts create.
_SET_UP = f"""
set -e
chmod 0755 {" ".join(_PROGRAMS)}
chmod 0755 /usr/lib/systemd/system-generators/* 2>/dev/null || true
python3 -m compileall -q {_MODULES}
systemd-sysusers
systemd-tmpfiles --create
[ ! -d /usr/lib/systemd/catalog ] || journalctl --update-catalog
systemctl daemon-reload
"""


def install(machine: Machine, configuration: str) -> None:
    """Everything but the start; `configuration` goes to /etc/camwatchd/conf.d, on top of what is shipped."""
    repository = cache.REPOSITORY
    machine.push(repository / "camwatchd", _MODULES)
    machine.push(repository / "etc" / "camwatchd", "/etc/camwatchd")
    machine.write("/etc/camwatchd/conf.d/test.toml", configuration.encode())
    for path, module in _PROGRAMS.items():
        machine.write(path, f'#!/bin/sh\nexec /usr/bin/python3 -P -m {module} "$@"\n'.encode())
    for file in sorted((repository / "systemd").iterdir()):
        machine.push(file, _place(file))
    machine.run(_SET_UP, check=True)


def _place(file: Path) -> str:
    folder, name = next((folder, name) for suffix, folder, name in _PLACES if file.name.endswith(suffix))
    return f"{folder}/{name or file.name}"
