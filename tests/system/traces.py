# SPDX-License-Identifier: MIT
"""Owns what can be left of the package: files, users, processes and units, as sets to compare."""

from .container import Container

# Not the package's: records of apt and dpkg, what the linker remembers of libraries that came along, the copies that
# useradd and userdel keep of the version before, systemctl's agent for passwords.
_RECORDS = ("/var/log", "/var/cache", "/var/lib/apt", "/var/lib/dpkg/info", "/srv/packages")
_COPIES = tuple(f"/etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow"))
_AGENT = "/run/systemd/ask-password-block"
_PRUNED = " -o ".join(f"-path {path}" for path in ("/proc", "/sys", *_RECORDS, *_COPIES, _AGENT))
# Mode, owner and target of all there is; journals and clocks change by themselves, so only /etc is read.
_FILES = f"find / /run /tmp /dev/shm -xdev \\( {_PRUNED} \\) -prune -o -printf '%p %y %m %u %g %l\\n'"
_CONTENTS = "find /etc -type f ! -name '*-' -exec sha256sum {} +"
_PROCESSES = "for process in /proc/[0-9]*; do tr '\\0' ' ' < $process/cmdline; echo; done"
_UNITS = "systemctl list-units --all --plain --no-legend; systemctl list-unit-files --no-legend"
# Of the package alone, by name: active units, its two kinds of children, its user.
_OURS = """
systemctl list-units --plain --no-legend 'camwatchd*' | cut -d ' ' -f 1
for process in /proc/[0-9]*; do tr '\\0' '\\n' < $process/cmdline | sed -n 's/^camwatchd\\.//p'; done
getent passwd camwatchd > /dev/null && echo user
"""


def everything(container: Container) -> set[str]:
    """All that there is on the machine."""
    shown = [container.run(command).stdout for command in (_FILES, _CONTENTS, _UNITS)]
    running = container.run(_PROCESSES).stdout.splitlines()
    asking = ("sh -c ", "tr ")
    lines = {line for text in shown for line in text.splitlines()}
    return lines | {f"process {line}" for line in running if not line.startswith(asking)}


def ours(container: Container) -> set[str]:
    """What of the package is active, and whether its user is there."""
    return set(container.run(_OURS).stdout.split())
