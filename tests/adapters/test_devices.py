# SPDX-License-Identifier: MIT
"""Owns the tests of the watch on device nodes, on a real folder with real inotify."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.adapters.devices import DeviceWatch, LossWatch, may_open, nodes_of_usb


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[DeviceWatch]:
    watch = DeviceWatch(str(tmp_path))
    yield watch
    watch.close()


def readable(watch: DeviceWatch) -> bool:
    return bool(select.select([watch.fileno()], [], [], 0)[0])


@pytest.mark.parametrize("name", ["video0", "video17", "media3", "v4l-subdev2"])
def test_a_camera_node_is_noticed(tmp_path: Path, watch: DeviceWatch, name: str) -> None:
    """A node as cameras have it wakes the loop and is named, once."""
    (tmp_path / name).touch()

    assert readable(watch)
    assert [name] == watch.created()
    assert not readable(watch)
    assert [] == watch.created()


def test_other_nodes_are_none_of_ours(tmp_path: Path, watch: DeviceWatch) -> None:
    """A disk, a terminal, a name that only begins like a camera's: no probe."""
    for name in ("sda1", "ttyUSB0", "video", "video1x", "myvideo0"):
        (tmp_path / name).touch()

    assert [] == watch.created()


def test_what_is_there_or_goes_is_no_news(tmp_path: Path) -> None:
    """Only what comes counts: not what was there before, not writing, not removal."""
    (tmp_path / "video0").touch()
    watch = DeviceWatch(str(tmp_path))
    (tmp_path / "video0").write_text("x")
    (tmp_path / "video0").unlink()

    assert not readable(watch)
    watch.close()


def test_a_node_that_is_given_to_its_group_is_news(tmp_path: Path, watch: DeviceWatch) -> None:
    """Before udev has done that the camera cannot be opened; it is named once, however much was done to it."""
    (tmp_path / "video0").touch()
    (tmp_path / "video0").chmod(0o660)
    once = watch.created()
    (tmp_path / "video0").chmod(0o600)

    assert (["video0"], ["video0"]) == (once, watch.created())


def test_a_node_without_its_group_is_waited_for(tmp_path: Path) -> None:
    """Who looks at once finds a camera that may not be opened yet; who waits for ever misses one without udev."""
    mine: set[str] = set()
    watch = DeviceWatch(str(tmp_path), openable=lambda path: path.name in mine)
    told = []
    for name, given in (("video0", "video0"), ("video1", ""), ("", "video1")):
        (tmp_path / name).touch()
        mine.add(given)
        watch.created()
        told.append(watch.quiet())
    watch.close()

    assert [0.2, 2.0, 0.2] == told


def test_the_last_node_of_a_camera_ends_the_wait(tmp_path: Path) -> None:
    """The kernel makes the media node last; a further camera is waited for again."""
    mine: set[str] = set()
    watch = DeviceWatch(str(tmp_path), openable=lambda node: node.name in mine)
    told = []
    for name, given in (("video0", "video0"), ("media0", ""), ("media0", "media0"), ("video1", "video1")):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o660)
        mine.add(given)
        watch.created()
        told.append(watch.quiet())
    watch.close()

    assert [0.2, 2.0, 0.05, 0.2] == told


def test_a_node_that_went_again_is_not_waited_for(tmp_path: Path) -> None:
    """Only what is there can be given to a group."""
    (tmp_path / "video0").touch(mode=0o600)

    assert (True, True) == (may_open(tmp_path / "video0"), may_open(tmp_path / "video1"))


def test_access_that_changes_later_is_no_news(tmp_path: Path) -> None:
    """A login changes the access lists of cameras that were there long before: nothing was plugged in."""
    now = 100.0
    (tmp_path / "video0").touch()
    watch = DeviceWatch(str(tmp_path), clock=lambda: now)
    (tmp_path / "video0").chmod(0o660)
    before = watch.created()
    (tmp_path / "video1").touch()
    watch.created()
    now += 10
    (tmp_path / "video1").chmod(0o660)

    assert ([], []) == (before, watch.created())
    watch.close()


@pytest.mark.parametrize(("removed", "lost"), [("video0", "video0"), ("video1", "video1"), ("video2", "")])
def test_the_loss_of_a_camera_s_own_node_is_noticed(tmp_path: Path, removed: str, lost: str) -> None:
    """Only the nodes that were asked about count, only their removal, and that once."""
    for name in ("video0", "video1", "video2"):
        (tmp_path / name).touch()
    watch = LossWatch({"video0", "video1"}, str(tmp_path))
    (tmp_path / "video0").chmod(0o600)
    before = watch.lost()
    (tmp_path / removed).unlink()

    assert readable(watch)
    assert ("", lost, "") == (before, watch.lost(), watch.lost())
    watch.close()


def test_a_usb_camera_has_the_nodes_of_its_interfaces(tmp_path: Path) -> None:
    """All of them, picture and metadata; not those of the port next to it, and none where no device is."""
    for path in ("1-1/1-1:1.0/video4linux/video0", "1-1/1-1:1.0/video4linux/video1", "1-1/1-1:1.0/media0",
                 "1-1.2/1-1.2:1.0/video4linux/video2"):  # fmt: skip
        (tmp_path / "bus/usb/devices" / path).mkdir(parents=True)

    found = [nodes_of_usb(place, tmp_path) for place in ("1-1", "1-1.2", "1-3", "simulated:cam0", "")]
    assert [{"video0", "video1"}, {"video2"}, set(), set(), set()] == found


def test_many_nodes_come_in_one_look(tmp_path: Path, watch: DeviceWatch) -> None:
    """A camera brings a dozen nodes; all are named, in their order."""
    names = [f"video{number}" for number in range(40)]
    for name in names:
        (tmp_path / name).touch()

    assert names == watch.created()


def test_without_a_folder_there_is_no_watch(tmp_path: Path) -> None:
    """A folder that cannot be watched leaves no descriptor behind and is no reason to fail."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    watch = DeviceWatch(str(tmp_path / "missing"))

    assert -1 == watch.fileno()
    assert before == len(os.listdir("/proc/self/fd"))  # noqa: PTH208
