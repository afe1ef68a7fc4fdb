# SPDX-License-Identifier: MIT
"""Proves what readers see of a slot exactly while it is being filled: nothing, of the old frame and of the new one."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from camwatchd.frames.layout import Layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.reader import Reader
from camwatchd.frames.writer import Writer

from .rig import GREY, proves, write_one

SIZE, SLOTS = 10_000, 4


class Interrupted:
    """Pixels that are half copied while somebody else has a look."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.nbytes, self._look = SIZE, look

    def __array_function__(self, copy: Any, _types: Any, args: Any, _kwargs: Any) -> None:
        """Instead of numpy's copy."""
        target = args[0]
        copy(target[: SIZE // 2], np.zeros(SIZE // 2, np.uint8))
        self._look()
        copy(target, np.zeros(SIZE, np.uint8))


@pytest.fixture
def memory() -> Iterator[Memory]:
    memory = Memory("mid-copy", Layout(1, SLOTS, SIZE))
    yield memory
    memory.close()


def test_a_slot_that_is_being_filled_holds_nothing(memory: Memory) -> None:
    """The frame that was there is gone before the first byte changes; the new one is there after the last."""
    writer, reader = Writer(memory.fd), Reader(memory.fd)
    for _ in range(SLOTS):
        write_one(writer, SIZE)
    held = reader.view(1)
    seen: list[tuple[object, ...]] = []

    def look() -> None:
        coming = SLOTS + 1
        seen.append((reader.copy(1), reader.is_whole(1), reader.copy(coming), reader.head))

    before = reader.is_whole(1) and held is not None and proves(held)
    writer.write(Interrupted(look), GREY)  # type: ignore[arg-type]
    after = reader.copy(SLOTS + 1)

    assert before
    assert [(None, False, None, SLOTS)] == seen
    assert after is not None
    assert not after.data.any()
