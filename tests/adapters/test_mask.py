# SPDX-License-Identifier: MIT
"""What lifts a mask depends on who made it; files in a folder stand for those of the machine."""

from pathlib import Path

import pytest

from camwatchd.adapters.mask import explained

UNIT = "camwatchd.service"
KERNEL = (
    "masked by the kernel command line",
    "take systemd.mask=camwatchd.service out of it (on a Pi: /boot/firmware/cmdline.txt) and reboot; "
    "systemctl unmask does not help",
)
RUNTIME = (
    "masked until the next boot",
    "sudo systemctl unmask --runtime camwatchd.service && sudo systemctl start camwatchd.service",
)
FOR_GOOD = (
    "masked",
    "sudo systemctl unmask camwatchd.service && sudo systemctl start camwatchd.service",
)
EARLY, ETC, RUN = "run/systemd/generator.early", "etc/systemd/system", "run/systemd/system"


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ((), FOR_GOOD), ((ETC,), FOR_GOOD), ((RUN,), RUNTIME), ((ETC, RUN), FOR_GOOD), ((EARLY,), KERNEL),
        ((EARLY, ETC, RUN), KERNEL),
    ],
)  # fmt: skip
def test_the_remedy_is_that_of_the_mask_that_counts(
    folders: tuple[str, ...], expected: tuple[str, str], tmp_path: Path
) -> None:
    """Of the kernel command line before an administrator's; what nothing is found of is an administrator's."""
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / UNIT).symlink_to("/dev/null")

    assert explained(UNIT, tmp_path) == expected


def test_what_is_no_mask_does_not_count(tmp_path: Path) -> None:
    """A unit in place of ours is none; a file with nothing in it is, as systemd has it."""
    for folder, text in ((EARLY, "[Unit]\n"), (RUN, "")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / UNIT).write_text(text)

    assert explained(UNIT, tmp_path) == RUNTIME
