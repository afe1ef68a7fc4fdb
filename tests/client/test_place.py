# SPDX-License-Identifier: MIT
"""Proves what a reader is given, and how it waits, by frames that the test writes itself: there is no daemon."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from camwatchd.client import Camera, FrameTimeoutError
from camwatchd.client.place import Place
from tests.client.host import SLOTS, Host, Ring, host

Hosted = tuple[Host, Ring, Camera]


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    with host(tmp_path) as found:
        yield found


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("head", [1, 2**31, 2**32 - 1])
def test_a_wait_for_frames_that_were_given_back_is_a_sleep(hosted: Hosted, every: bool, head: int) -> None:
    """The head still names one, but nobody read for a while: neither it nor a turn of the processor is taken."""
    _, ring, cam = hosted
    ring.writer.number = head - 1
    ring.write()
    ring.writer.empty()
    began, worked = time.monotonic(), time.thread_time()
    with pytest.raises(FrameTimeoutError):
        next(cam.frames(every=every, timeout=0.2))
    share = (time.thread_time() - worked) / (time.monotonic() - began)

    assert share < 0.3


def test_every_frame_since_the_memory_was_given_back(hosted: Hosted) -> None:
    """A place that was there before them: the first comes when it is written, not once the ring is full again."""
    _, ring, _ = hosted
    reader, place, numbers = ring.reader(), Place(), []
    ring.write(3)
    ring.writer.empty()
    nothing = place.next(reader, 0.0, every=True, viewed=False)
    for count in (1, 2, SLOTS - 2):
        ring.write(count)
        found = [place.next(reader, 0.0, every=True, viewed=False) for _ in range(count)]
        numbers.append([raw and raw.facts.number for raw in found])
    reader.close()

    assert nothing is None
    assert [[4], [5, 6], [*range(7, 5 + SLOTS)]] == numbers


def test_given_back_between_two_frames(hosted: Hosted) -> None:
    """A place that was in the stream goes on with the first one that there is."""
    _, ring, cam = hosted
    ring.write(2)
    frames = cam.frames(every=True)
    first = next(frames).number
    ring.write(2)
    ring.writer.empty()
    ring.write()

    assert (2, 5) == (first, next(frames).number)


def test_an_attach_that_takes_its_time_gives_nothing_old(hosted: Hosted) -> None:
    """New when the call began, and not any more when the daemon answers."""
    served, ring, cam = hosted
    with ThreadPoolExecutor(1) as pool:
        with served.hanging():
            answer = pool.submit(cam.capture_frame_with_timeout, 0.7)
            assert served.asked.wait(5)
            ring.write()
            time.sleep(0.3)
        given = answer.result()

    assert (False, None) == given


def test_a_daemon_that_was_killed_has_a_successor(hosted: Hosted, tmp_path: Path) -> None:
    """Nobody has closed the ring of the first; that its connection has ended is enough."""
    served, ring, cam = hosted
    ring.write()
    before = cam.capture_array().number
    served.kill()
    served.path.unlink()
    with host(tmp_path) as (_, successor, _):
        successor.write(5)
        after = cam.capture_array(2.0).number

    assert (1, 5) == (before, after)


def rings() -> int:
    """That are mapped into this process for reading."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return len([line for line in lines if "memfd:camwatchd" in line and " r--s " in line])


def test_an_old_ring_is_kept_by_nobody(hosted: Hosted, tmp_path: Path) -> None:
    """Neither by a thread that has captured once and does something else now, nor by the Camera once it is closed."""
    served, ring, cam = hosted
    done, over = threading.Event(), threading.Event()

    def once() -> None:
        cam.capture_array()
        done.set()
        over.wait()

    ring.write()
    before = rings()
    thread = threading.Thread(target=once)
    thread.start()
    assert done.wait(5)
    mapped = [rings() - before]
    served.kill()
    served.path.unlink()
    with host(tmp_path) as (_, successor, _):
        successor.write()
        cam.capture_array(2.0)
        mapped.append(rings() - before)
        cam.close()
        mapped.append(rings() - before)
    over.set()
    thread.join()

    assert [1, 1, 0] == mapped


def test_a_copy_of_a_view_keeps_no_memory_mapped(hosted: Hosted) -> None:
    """What was computed from a frame is kept for long; only the frame itself and its slices need the ring."""
    _, ring, cam = hosted
    before = rings()
    ring.write()
    with cam.view() as frame:
        part: Any = frame[:4]
        kept: list[Any] = [frame.copy(), frame + 1, part.astype(float), part[:, 1:5].reshape(-1)]
        valid = [each.valid() for each in (frame, part, kept[0])]
    cam.close()
    mapped = [rings() - before]
    still = [frame.valid(), part.valid()]
    del frame, part
    mapped.append(rings() - before)

    assert ([True] * 3, [True] * 2) == (valid, still)
    assert [1, 0] == mapped
    assert not kept[0].valid()
