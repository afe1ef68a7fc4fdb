# SPDX-License-Identifier: MIT
"""Opens per boot are counted over restarts and capped by model; who holds a camera is read from the kernel."""

import os
import time
from pathlib import Path

from camwatchd.adapters.host import Host
from camwatchd.adapters.log import build
from camwatchd.adapters.opens import Opens
from camwatchd.core import events as ev
from camwatchd.core.faults import OPEN_CAPS
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import Opened
from camwatchd.core.records import Record
from camwatchd.core.settings import CameraSettings, Health
from camwatchd.core.state import Phase, Policy
from camwatchd.loop import Loop
from camwatchd.post import Post
from camwatchd.slot import Worker


class NoWorkers:
    """An agency that only counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    def hire(self, camera: CameraSettings, *, fresh: bool, background: bool) -> Worker | None:
        self.asked += 1
        return None

    def vacated(self) -> None:
        """Nobody waits."""

    def stuck(self, camera: CameraSettings, evidence: str) -> None:
        """Nobody waits."""

    def leave(self, post: Post, rung: Rung) -> None:
        """Nobody is asked."""

    def adjusted(self, post: Post) -> None:
        raise AssertionError

    def note(self, record: Record) -> None:
        """There is no ledger."""


def make_post(folder: Path, agency: NoWorkers) -> Post:
    log = build("json", "error", os.open(os.devnull, os.O_WRONLY), {})
    post = Post(
        CameraSettings(), Policy(), Health(), agency=agency, loop=Loop(), log=log, host=Host(folder),
        clock=time.monotonic, runtime_dir=str(folder), environ=os.environ,
    )  # fmt: skip
    post.begin()
    return post


def test_the_count_outlives_the_daemon(tmp_path: Path) -> None:
    """A restarted daemon goes on counting where the last one stopped."""
    assert [True, True] == [Opens(str(tmp_path), "cam0").add() for _ in range(2)]

    assert 2 == Opens(str(tmp_path), "cam0").count()
    assert 0 == Opens(str(tmp_path), "cam1").count()


def test_a_damaged_count_is_none(tmp_path: Path) -> None:
    """A file that holds no number must not keep the daemon from its work."""
    (tmp_path / "opens-cam0").write_text("no number")

    assert 0 == Opens(str(tmp_path), "cam0").count()
    assert not Opens(str(tmp_path / "nowhere"), "cam0").add()


def test_a_capped_model_is_not_opened_again(tmp_path: Path) -> None:
    """At its cap an AI camera is not opened again, its worker is left alone, and the way goes on to the reboot."""
    agency = NoWorkers()
    post = make_post(tmp_path, agency)
    for _ in range(OPEN_CAPS["imx500"]):
        post.reported(Opened("/base/soc/i2c0mux/i2c@1/imx500@1a", "imx500", "YUV420", 640, 480, 0.5))
    asked = agency.asked
    post.feed(ev.Faulted("sensor-io", "i2c transfer timed out"))

    post.feed(ev.TimePassed())

    assert (Phase.BACKOFF, "open-limit") == (post.state.phase, post.state.fault)
    assert asked == agency.asked
    assert 2 == post.state.failed_recoveries


def test_another_model_has_no_cap(tmp_path: Path) -> None:
    """Other cameras are opened as often as the ladder asks for."""
    agency = NoWorkers()
    post = make_post(tmp_path, agency)
    for _ in range(40):
        post.reported(Opened("/base/soc/i2c0mux/i2c@1/imx708@1a", "imx708", "YUV420", 640, 480, 0.5))
    asked = agency.asked
    post.feed(ev.Faulted("sensor-io", "i2c transfer timed out"))

    assert asked < agency.asked


def test_the_holder_of_a_busy_camera_is_named(tmp_path: Path) -> None:
    """The lock that libcamera takes on its media device tells process and name."""
    device = tmp_path / "dev" / "media0"
    device.parent.mkdir()
    device.touch()
    status = device.stat()
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    process = tmp_path / "proc" / "1234"
    process.mkdir(parents=True)
    (process / "comm").write_text("rpicam-hello\n")
    locks = f"1: POSIX  ADVISORY  WRITE 1234 {place} 0 EOF\n2: FLOCK  ADVISORY  WRITE 77 {place} 0 EOF\n"
    (tmp_path / "proc" / "locks").write_text(locks)

    assert ["rpicam-hello (pid 1234)"] == Host(tmp_path).camera_holders()
    assert [] == Host(tmp_path / "empty").camera_holders()
