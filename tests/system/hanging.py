# SPDX-License-Identifier: MIT
"""Owns a container in which a camera's worker can be caught in the kernel, where no signal reaches it."""

from pathlib import Path

from .container import Container
from .shortcut import HEALTHY_FOR, QUICK, SHORTCUT, camera

_FOLDER = "/srv/hang"
_SERVER = "/usr/local/lib/fusehang.py"
# systemd spares a process whose name begins with @ until the very end of a shutdown: a driver would be there too.
_SERVICE = f"""
[Unit]
DefaultDependencies=no
Before=camwatchd.service
[Service]
Type=notify
ExecStart=@/usr/bin/python3 @hang {_SERVER} {_FOLDER}
[Install]
WantedBy=multi-user.target
"""
# In place of 90 s and of 15 s: so long they wait at each step for a process that nothing ends.
_SHUTDOWN = "[Manager]\nDefaultTimeoutStopSec=3\n"
_STUCK: dict[str, object] = {"kind": "hang", "message": f"{_FOLDER}/frame", "refuse_signals": True}


def lend_hanging_file(container: Container) -> None:
    """At its first boot the camera works, and then a thread of its worker waits for a file that never comes."""
    container.lend("--bind=/dev/fuse")
    container.put(_SERVER, Path(__file__).with_name("fusehang.py").read_bytes())
    container.put("/etc/systemd/system/hang.service", _SERVICE)
    wants = container.tree / "etc/systemd/system/multi-user.target.wants"
    (wants / "hang.service").symlink_to("../hang.service")
    container.put("/etc/systemd/system.conf.d/test.conf", _SHUTDOWN)
    container.configure(QUICK, SHORTCUT, camera("cam0", {**_STUCK, "at": HEALTHY_FOR}))
