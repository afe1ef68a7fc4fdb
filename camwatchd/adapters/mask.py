# SPDX-License-Identifier: MIT
"""Owns how the unit was masked, which decides what lifts the mask. systemd does not tell: it is looked for."""

from pathlib import Path

_OF_THE_KERNEL = "run/systemd/generator.early"  # systemd-debug-generator's, made anew at each daemon-reload
_OF_AN_ADMINISTRATOR = "etc/systemd/system"
_OF_THIS_BOOT = "run/systemd/system"


def explained(unit: str, root: Path = Path("/")) -> tuple[str, str]:
    """How the unit is masked, and what a human does about it. As systemd does it, the first of the folders counts."""
    start = f"sudo systemctl start {unit}"
    if _masked(root / _OF_THE_KERNEL / unit):
        remedy = f"take systemd.mask={unit} out of it (on a Pi: /boot/firmware/cmdline.txt) and reboot"
        return "masked by the kernel command line", f"{remedy}; systemctl unmask does not help"
    if not _masked(root / _OF_AN_ADMINISTRATOR / unit) and _masked(root / _OF_THIS_BOOT / unit):
        return "masked until the next boot", f"sudo systemctl unmask --runtime {unit} && {start}"
    return "masked", f"sudo systemctl unmask {unit} && {start}"


def _masked(file: Path) -> bool:
    """A link to nothing, or nothing in it."""
    try:
        return file.is_char_device() or file.stat().st_size == 0
    except OSError:
        return False
