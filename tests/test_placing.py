# SPDX-License-Identifier: MIT
"""Owns the proof that whatever a verb writes takes no device's place, and no pipe's: root may run it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from camwatchd.cli import bundle, exposition, placing, snapshot

_WRITERS: dict[str, Callable[[Path], object]] = {
    "bundle": lambda place: bundle.write(str(place), "camwatchd", [], force=True),
    "snapshot": lambda place: snapshot._write(str(place), b"a picture"),
    "textfile": lambda place: exposition.write(place, "a_metric 1\n"),
}


@pytest.mark.parametrize("write", _WRITERS.values(), ids=_WRITERS)
@pytest.mark.parametrize("linked", [False, True], ids=["named", "by a link, as /dev/stdout is one"])
def test_nothing_but_a_file_is_replaced(
    tmp_path: Path, write: Callable[[Path], object], linked: bool
) -> None:
    """The pipe stays one, as a device would; nothing is left beside it."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)

    with pytest.raises(OSError, match="no regular file"):
        write(link if linked else pipe)
    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)
    assert sorted(tmp_path.iterdir()) == [link, pipe]


@pytest.mark.parametrize("write", _WRITERS.values(), ids=_WRITERS)
def test_a_file_is(tmp_path: Path, write: Callable[[Path], object]) -> None:
    """A new one, one that was there, and the link that leads to nowhere."""
    old, link = tmp_path / "old", tmp_path / "link"
    old.write_text("old")
    link.symlink_to("nowhere")
    for place in (tmp_path / "new", old, link):
        write(place)

    assert [place.read_bytes() != b"old" for place in sorted(tmp_path.iterdir())] == [True] * 3


def test_a_bundle_is_refused_before_anything_is_collected(tmp_path: Path) -> None:
    """No name, a folder, a pipe: with --force, too."""
    os.mkfifo(tmp_path / "pipe")
    for place in ("", "/", str(tmp_path), str(tmp_path / "pipe")):
        with pytest.raises(OSError, match=r"regular|directory"):
            bundle.check(place, force=True)
    with pytest.raises(OSError, match="regular"):
        placing.check(Path("/dev/null"))
