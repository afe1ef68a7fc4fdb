# SPDX-License-Identifier: MIT
"""What a state directory lies on is read from the kernel's list of mounts, as proc(5) describes it."""

from pathlib import Path

import pytest

from camwatchd.adapters.medium import file_system, untrusted

_MOUNTS = r"""
22 27 0:21 / /proc rw,nosuid - proc proc rw
27 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
30 27 0:25 / /var/tmp rw - tmpfs tmpfs rw
31 27 0:26 / /var rw,relatime shared:5 master:2 - overlay overlay rw,lowerdir=/a,upperdir=/b - c
32 31 179:3 / /var/lib\040data rw - btrfs /dev/mmcblk0p3 rw
33 27 0:28 / /srv rw - ext4 /dev/sda1 rw
34 33 0:29 / /srv rw - tmpfs tmpfs rw
35 27 7:0 / /snap ro - squashfs /dev/loop0 ro
no line of a mount
36 27 0:30 /
"""


@pytest.fixture
def mountinfo(tmp_path: Path) -> Path:
    """A machine with these mounts."""
    path = tmp_path / "mountinfo"
    path.write_text(_MOUNTS)
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/opt/pi", "ext4"),
        ("/variable", "ext4"),
        ("/var", "overlay"),
        ("/var/lib/camwatchd/state", "overlay"),
        ("/var/tmp/x", "tmpfs"),
        ("/var/lib data/x", "btrfs"),
        ("/srv/x", "tmpfs"),
        ("/snap", "squashfs"),
    ],
)
def test_the_nearest_mount_above_counts(mountinfo: Path, folder: str, kind: str) -> None:
    """The longest mount point, of two on one point the later; whole names, spaces undone, still to be made or not."""
    assert kind == file_system(Path(folder), mountinfo)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/var/lib/camwatchd", "on overlay, which a boot empties"),
        ("/var/tmp", "on tmpfs, which a boot empties"),
        ("/snap/x", "on squashfs, which cannot be written"),
        ("/opt", ""),
    ],
)
def test_what_a_boot_empties_proves_nothing(mountinfo: Path, folder: str, words: str) -> None:
    """A card is trusted; memory, and a layer above something else, are not."""
    assert (f"{folder} is {words}" if words else "") == untrusted(Path(folder), mountinfo)


def test_what_cannot_be_told_is_not_trusted(tmp_path: Path) -> None:
    """Without the kernel's list there is no proof either."""
    assert "cannot be told" in untrusted(Path("/var/lib"), tmp_path / "nothing")


def test_a_link_is_followed(tmp_path: Path, mountinfo: Path) -> None:
    """The place counts, not the way to it."""
    (tmp_path / "link").symlink_to("/var/tmp/state")

    assert "tmpfs" == file_system(tmp_path / "link", mountinfo)


def test_the_real_list_can_be_read() -> None:
    """The format is that of the running kernel: /proc is on proc."""
    assert "proc" == file_system(Path("/proc/self"), Path("/proc/self/mountinfo"))
