# SPDX-License-Identifier: MIT
"""What a camera's post makes of what its worker says, without a worker."""

from pathlib import Path

import pytest

from camwatchd.aspects import view
from camwatchd.core import drills
from camwatchd.core import events as ev
from camwatchd.core import messages as msg
from camwatchd.core.drills import LASTS
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import MAX_MESSAGE
from camwatchd.core.records import IncidentClosed, IncidentOpened, encode
from camwatchd.post import Post
from tests.control.rig import Log
from tests.post_rig import Noting, deliver, lone_post


class Life:
    """A post on a clock of its own that delivers."""

    def __init__(self, folder: Path) -> None:
        self.now, self.log, self.agency = 1000.0, Log(), Noting()
        self.post: Post = lone_post("cam0", folder, self.log, lambda: self.now, self.agency)
        self.post.begin()
        self.worker()

    def worker(self) -> None:
        """A fresh one comes as far as its stream."""
        self.post.feed(ev.WorkerStarted())
        self.post.feed(ev.WorkerImported())
        self.post.reported(msg.Streaming(1, 0.1))

    def frames(self, seconds: int) -> None:
        for _ in range(seconds * 4):
            self.now += 0.25
            deliver(self.post, 5)


def test_nobody_captures_at_no_rate(tmp_path: Path) -> None:
    """Paused, the old rate is not told on; anew, it is that of the new stream from the first."""
    life = Life(tmp_path)
    life.frames(5)
    before = view(life.post).fps
    life.post.feed(ev.Paused(60.0))
    life.post.reaped()
    life.now += 30.0
    paused = view(life.post).fps
    life.post.reported(msg.Streaming(1, 0.1))
    life.frames(2)

    assert pytest.approx((20.0, 0.0, 20.0)) == (before, paused, view(life.post).fps)


def test_what_a_drill_wrote_explains_nothing_after_it(tmp_path: Path) -> None:
    """The next drill, or a true failure, is named by what is said of it, and keeps nothing else."""
    life = Life(tmp_path)
    life.frames(1)
    life.post.drilling.begin(drills.EXERCISES["buffer"], life.post.policy)
    life.post.feed(ev.Drilled("buffer", LASTS))
    life.post.wrote("V4L2 v4l2_videodevice.cpp:1 /dev/video0: Failed to queue buffer 1: Invalid argument")
    named = life.post.hearsay.explained("frames-stopped", "")[0]
    life.post.feed(ev.RecoveryOrdered(Rung.RESTART_WORKER))
    life.worker()
    life.frames(1)

    assert ("buffer-queue", "") == (named, life.post.drilling.running)
    assert "frames-stopped" == life.post.hearsay.explained("frames-stopped", "")[0]
    life.post.feed(ev.Faulted("frames-stopped"))
    assert (True, ()) == (life.post.state.in_incident, life.post.evidence)


def test_what_a_drill_wrote_is_nobodys_last_word(tmp_path: Path) -> None:
    """The drilled worker lives on, and dies of something else: neither log nor ledger have it die of the drill."""
    drilled = "camwatchd.worker: an alarm drill: stall"
    life = Life(tmp_path)
    life.frames(1)
    life.post.drilling.begin(drills.EXERCISES["stall"], life.post.policy)
    life.post.feed(ev.Drilled("stall", LASTS))
    life.post.wrote(drilled)
    life.frames(int(LASTS) + 2)
    life.post.slot.last_words = (drilled,)
    life.post.exited(3)

    assert life.post.state.in_incident
    assert (life.log.of("worker.last_words"), life.post.evidence) == ([], ())


def test_a_pause_loses_no_last_words(tmp_path: Path) -> None:
    """What a worker wrote that died in the incident stays with it, also where an operator cuts it off."""
    life = Life(tmp_path)
    life.frames(1)
    life.post.feed(ev.Faulted("frames-stopped"))
    life.now += 5
    life.post.slot.last_words = ("Fatal Python error: Aborted",)
    life.post.reaped()
    life.post.witness.hired(in_incident=True)
    life.now += 5
    life.post.feed(ev.Paused(60.0))

    [closed] = [record for record in life.agency.records if isinstance(record, IncidentClosed)]
    assert ("Fatal Python error: Aborted",) == closed.words


def test_an_order_interrupts_a_drill(tmp_path: Path) -> None:
    """Before it was noticed: that it was not is nobody's fault."""
    life = Life(tmp_path)
    life.frames(1)
    life.post.drilling.begin(drills.EXERCISES["stall"], life.post.policy)
    life.post.feed(ev.Drilled("stall", LASTS))
    life.post.feed(ev.RecoveryOrdered(Rung.RESTART_WORKER))
    life.worker()
    life.frames(2)

    assert ["cam0: DRILL: stall is over: interrupted"] == life.log.of("drill.ended")


def test_whatever_a_camera_calls_itself_is_harmless(tmp_path: Path) -> None:
    """It moves no cursor, and fits into a record that the recorder takes."""
    life = Life(tmp_path)
    life.post.reported(msg.Imported("camwatchd", 1.0, {f"p{n}": "v" * 9999 for n in range(99)}))
    life.post.reported(
        msg.Opened(
            model="Evil\x1b]0;pwned\x07" + "m" * 9999,
            camera_id="i" * 40000,
            width=1,
            height=1,
            format="",
            seconds=1.0,
        )
    )
    record = IncidentOpened("cam0", "frames-stopped", "", (), life.post._before())

    assert "Evil]0;pwnedm" == life.post.witness.model[:13]
    assert len(encode(1, record)) < MAX_MESSAGE / 2
