# SPDX-License-Identifier: MIT
"""Words of state have colours on a terminal, and nowhere else."""

import io

import pytest

from camwatchd.cli import colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


GREEN, RED, OFF = "\x1b[32m", "\x1b[1;31m", "\x1b[0m"


@pytest.mark.parametrize(
    ("plain", "painted"),
    [
        ("cam0  EXCELLENT 100/100, 29.9 fps", f"cam0  {GREEN}EXCELLENT 100/100{OFF}, 29.9 fps"),
        ("cam0 healthy 100/100 29.9 fps", f"cam0 {GREEN}healthy 100/100{OFF} 29.9 fps"),
        ("cam0 paused ?/100 0.0 fps", "cam0 \x1b[33mpaused ?/100\x1b[0m 0.0 fps"),
        ("cam0: busy: OPEN, last written", f"cam0: busy: {RED}OPEN{OFF}, last written"),
        ("cam0  stall  CAMERA_RECOVERY  ok", f"cam0  stall  CAMERA_RECOVERY  {GREEN}ok{OFF}"),
        ("FAILED: 1 of 2 drills", f"{RED}FAILED{OFF}: 1 of 2 drills"),
        ("healthy by restart-worker 1, it is ok", "healthy by restart-worker 1, it is ok"),
        ("CAMERA_CRITICAL: RE-OPENED", "CAMERA_CRITICAL: RE-OPENED"),
    ],
)
def test_words_of_state_have_colours(plain: str, painted: str) -> None:
    """Those only: what is part of a name, or of a sentence, has none."""
    assert colour.paint(plain) == painted


def test_the_present_place_on_the_ladder_has_one() -> None:
    """The lines that are marked."""
    assert colour.paint_marked("  retry\n> reboot") == "  retry\n\x1b[33m> reboot\x1b[0m"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_who_wants_none_gets_none(environ: dict[str, str], wanted: bool) -> None:
    """By no-color.org, or because the terminal knows none; and never in a pipe."""
    assert (colour.wanted(Terminal(), environ), colour.wanted(io.StringIO(), environ)) == (wanted, False)


def test_a_pipe_gets_none() -> None:
    """Programs and files read plain text."""
    assert (colour.painted("PARKED"), colour.marked("> x")) == ("PARKED", "> x")
