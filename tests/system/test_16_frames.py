# SPDX-License-Identifier: MIT
"""Proves that frames go to the group video, through restarts of the service, and to nobody else."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.frames import reading

from .container import UNIT, Container
from .lastrungs import CLIMB, STEEP
from .quick import QUICK, WATCHDOG, camera

pytestmark = pytest.mark.system

READERS = 2
RATE = 20
RESUMED = 1.0  # s; nothing is quick beside three other containers: the processes' own tests have 0.1 s
GRACE = 15  # s after its first opening the simulated camera stalls, ...
LOST = 20  # s: longer than it takes to climb to restart-service
NO_REBOOT = '[reboot]\nmode = "off"\n'
_SOCKET = "/run/camwatchd/control.sock"
_OUTPUT = "var/lib/readers"
_VIEWER = "--uid=viewer --property=SupplementaryGroups=video"
_ATTACH = f"""
import mmap, os, socket
from camwatchd.control.protocol import MAX_ANSWER, Attach, encode_request
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect("{_SOCKET}")
connection.send(encode_request(1, Attach("cam0")))
answer, (ring,), _, _ = socket.recv_fds(connection, MAX_ANSWER, 1)
attempts = {{
    "write": lambda: os.write(ring, b"x"),
    "map": lambda: mmap.mmap(ring, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE),
    "open anew": lambda: os.open(f"/proc/self/fd/{{ring}}", os.O_RDWR),
    "truncate": lambda: os.truncate(ring, 0),
    "change its mode": lambda: os.fchmod(ring, 0o666),
}}
assert mmap.mmap(ring, 4096, prot=mmap.PROT_READ)[:8] == b"camframe"
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError:
        continue
    print(name)
"""


@pytest.mark.scenario(
    16, "readers of the group video go on through restarts of the service, a climb's included", seconds=45
)
def test_readers_through_restarts_of_the_service(container: Container) -> None:
    """systemctl restart, and a restart-service that the ladder comes to: whole frames in order after each of them."""
    lost: dict[str, object] = {"kind": "stall", "at": GRACE, "duration": LOST}
    container.configure(QUICK, STEEP, NO_REBOOT, camera("cam0", lost, frame_rate=RATE))
    container.drop_in(WATCHDOG)
    container.boot()
    _start_readers(container)
    streams = _await_streams(container, 0)
    container.run(f"systemctl restart {UNIT}")
    streams = _await_streams(container, streams + 1, RESUMED)
    leaving = container.entry(EVENT="service.leaving", RUNG="restart-service", timeout=CLIMB)
    container.entry("^Started ", after=leaving, UNIT=UNIT)
    container.entry(EVENT="alert.recovery", after=leaving, timeout=CLIMB)
    _await_streams(container, streams + 1)


@pytest.mark.scenario(16, "who is not in the group video gets no frame, and who is cannot write to the ring")
def test_who_gets_frames(container: Container) -> None:
    """Another uid: the refusal says which group to join; one of the group can do nothing to what it is lent."""
    container.configure(QUICK, camera("cam0"))
    container.boot()
    container.entry(EVENT="camera.started")
    _make_viewer(container)
    refused = container.run("runuser -u nobody -- camwatchctl stream --format raw", check=False)
    assert (refused.returncode, refused.stdout) == (77, "")
    assert "is not in the group video" in refused.stderr
    assert "usermod -aG video" in refused.stderr
    seen = container.run("runuser -u viewer -- camwatchctl stream --format raw | head -c 4608 | wc -c")
    assert seen.stdout.strip() == "4608"

    container.put("/srv/attach.py", _ATTACH)
    assert container.run("runuser -u viewer -- python3 /srv/attach.py").stdout == ""


def _make_viewer(container: Container) -> None:
    container.run("useradd --system --groups video viewer")


def _start_readers(container: Container) -> None:
    container.put("/srv/reading.py", Path(reading.__file__).read_text())
    (container.tree / _OUTPUT).touch()
    _make_viewer(container)
    program = f"python3 /srv/reading.py {_SOCKET} {READERS} {RATE}"
    output = f"--property=StandardOutput=append:/{_OUTPUT}"
    container.run(f"systemd-run --unit=readers {_VIEWER} {output} {program}")
    container.until(lambda: (container.tree / _OUTPUT).read_text().endswith("\n"), "the readers have begun")


def _await_streams(container: Container, count: int, within: float = CLIMB) -> int:
    """Until each reader has met so many fresh streams, each within a time, and frames after that; how many."""
    before = {pid: seen["frames"] for pid, seen in _look(container).items()}

    def there() -> bool:
        found = _look(container)
        met = [len(seen["resumed"]) >= count for seen in found.values()]
        on = [seen["frames"] > before.get(pid, 0) for pid, seen in found.items()]
        return len(found) == READERS and all(met) and all(on)

    container.until(there, f"{count} streams for each reader", CLIMB)
    found = _look(container).values()
    assert [[]] * READERS == [seen["wrong"] for seen in found]
    assert max([0.0, *(seconds for seen in found for seconds in seen["resumed"])]) < within
    return max(len(seen["resumed"]) for seen in found)


def _look(container: Container) -> dict[int, dict[str, Any]]:
    """The last that each reader has said, once all were asked."""
    container.run("systemctl kill --signal=USR1 readers")
    time.sleep(0.2)
    lines = [json.loads(line) for line in (container.tree / _OUTPUT).read_text().splitlines()]
    return {line["pid"]: line for line in lines if isinstance(line, dict)}
