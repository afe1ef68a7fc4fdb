# SPDX-License-Identifier: MIT
"""Owns the tests of what the kernel's own lines say about cameras."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import kernel
from camwatchd.core.faults import FAULTS
from camwatchd.core.kernel import Bus, Meaning, concerns, of_kernel
from tests.core.corpus import KERNEL, Quote

_USB = "/base/soc/usb@0-1.3:1.0-046d:0825"  # libcamera's uvcvideo.cpp, generateId; seen in the machine
_CSI = "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"


def meaning(says: str) -> Meaning | None:
    """What the corpus states."""
    if says == "-":
        return None
    bus, who, fault = (word.strip("-") if word == "-" else word for word in says.split())
    return Meaning(Bus(bus), fault.rstrip("~"), who, fault.endswith("~"))


@pytest.mark.parametrize("quote", KERNEL, ids=str)
def test_lines_of_the_kernel_are_understood(quote: Quote) -> None:
    """Each is of a bus and perhaps a device, explains a fault or is evidence, or has nothing to do with cameras."""
    assert meaning(quote.says) == of_kernel(quote.text)


def test_every_row_is_needed() -> None:
    """Each row is the first to fit some line of the corpus, and names a row of the fault table or nothing."""
    hit = {next((row for row in kernel.TABLE if row.pattern.search(q.text)), None) for q in KERNEL}

    assert [] == [row.pattern.pattern for row in kernel.TABLE if row not in hit]
    assert {row.fault for row in kernel.TABLE} - {""} <= FAULTS.keys()


@pytest.mark.parametrize(
    ("camera", "line", "expected"),
    [
        (_USB, "usb 1-1.3: USB disconnect, device number 10", True),
        (_USB, "usb 3-1.3: USB disconnect, device number 10", True),  # the id has no number of the bus
        (_USB, "usb 1-1.2: USB disconnect, device number 10", False),  # another device
        (_USB, "usb 1-1: USB disconnect, device number 2", False),  # its hub: its own line follows
        (_USB, "xhci-hcd xhci-hcd.0: HC died; cleaning up", True),
        (_USB, "unicam fe801000.csi: stream on failed in subdev", False),
        (_USB, "cma: cma_alloc: linux,cma: alloc failed, req-size: 3934 pages, ret: -12", True),
        (_CSI, "usb 1-1.3: USB disconnect, device number 10", False),
        (_CSI, "rp1-cfe 1f00110000.csi: stream on failed in subdev", True),
        (_CSI, "imx708 11-001a: failed to read chip id 708, with error -5", True),
        (_CSI, "imx477 11-001a: failed to read chip id 477, with error -5", False),  # another sensor
        (_CSI, "dw9807 10-000c: I2C write STATUS failed (-121)", True),  # the lens of some sensor
        (_CSI, "INFO: task python3:1541 blocked for more than 120 seconds.", True),
        ("imx708_wide", "imx708 11-001a: failed to read chip id 708, with error -5", True),
        ("imx708_wide", "uvcvideo: Failed to set UVC probe control : -110 (exp. 26).", False),
        ("", "usb 1-1.3: USB disconnect, device number 10", True),  # nothing is known of the camera
        ("", "imx477 11-001a: failed to read chip id 477, with error -5", True),
        ("HD Pro Webcam C920", "unicam fe801000.csi: stream on failed in subdev", True),
    ],
)
def test_a_line_concerns_cameras_of_its_own_kind(camera: str, line: str, expected: bool) -> None:
    """A USB device never explains a CSI camera, nor the other way round; what is not known may be."""
    said = of_kernel(line)

    assert said is not None
    assert expected == concerns(said, camera)


@given(st.text(), st.text())
def test_any_text_is_taken(text: str, camera: str) -> None:
    """Whatever the kernel writes, the answer is a row of the fault table or nothing."""
    said = of_kernel(text)

    assert said is None or said.fault in {"", *FAULTS}
    assert concerns(Meaning(Bus.ANY), camera)
