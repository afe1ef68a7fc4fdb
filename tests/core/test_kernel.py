# SPDX-License-Identifier: MIT
"""Owns the tests of what the kernel's own lines say about cameras."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import kernel
from camwatchd.core.faults import FAULTS
from camwatchd.core.kernel import Bus, KernelLine, Meaning, Memory, concerns, of_kernel
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
        (
            _USB,
            "usb 3-1.3: USB disconnect, device number 10",
            True,
        ),  # perhaps: the id has no number of the bus
        (_USB, "usb 1-1.2: USB disconnect, device number 10", False),  # another device
        (_USB, "usb 1-1: USB disconnect, device number 2", False),  # its hub: its own line follows
        (_USB, "usb usb1-port1: over-current condition", True),  # of its hub
        (_USB, "usb 1-1-port3: disabled by hub (EMI?), re-enabling...", True),
        (_USB, "usb 1-1-port2: disabled by hub (EMI?), re-enabling...", False),
        (_USB, "xhci-hcd xhci-hcd.0: HC died; cleaning up", True),
        (_USB, "unicam fe801000.csi: stream on failed in subdev", False),
        (_USB, "cma: cma_alloc: linux,cma: alloc failed, req-size: 3934 pages, ret: -12", True),
        (_CSI, "usb 1-1.3: USB disconnect, device number 10", False),
        (_CSI, "rp1-cfe 1f00110000.csi: stream on failed in subdev", True),
        (_CSI, "imx708 11-001a: failed to read chip id 708, with error -5", True),
        (_CSI, "imx477 11-001a: failed to read chip id 477, with error -5", False),  # another sensor
        (_CSI, "dw9807 10-000c: I2C write STATUS failed (-121)", True),  # the lens of some sensor
        (_CSI, "i2c_designware 1f00088000.i2c: controller timed out", True),
        (_CSI, "i2c_designware 1f00080000.i2c: controller timed out", False),  # the other connector's
        ("imx708", "i2c_designware 1f00080000.i2c: controller timed out", True),
        ("/base/soc/i2c0mux/i2c@1/imx708@1a", "i2c-bcm2835 fe205000.i2c: i2c transfer timed out", True),
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


@pytest.mark.parametrize(
    ("place", "line", "expected"),
    [
        ("1-1.3", "usb 1-1.3: USB disconnect, device number 10", True),
        (
            "1-1.3",
            "usb 3-1.3: USB disconnect, device number 10",
            False,
        ),  # the same port of another controller
        ("1-1.3", "usb 1-1: USB disconnect, device number 2", False),
        ("1-1.3", "usb 1-1.30: USB disconnect, device number 2", False),
        ("1-1.3", "usb 1-1-port3: Cannot enable. Maybe the USB cable is bad?", True),
        ("1-1.3", "usb 1-1-port4: Cannot enable. Maybe the USB cable is bad?", False),
        ("1-1.3", "usb usb1-port1: over-current condition", True),  # of its hub
        ("1-1.3", "usb usb2-port1: over-current condition", False),
        ("1-1.3", "hub 1-1:1.0: hub_ext_port_status failed (err = -71)", True),
        ("1-2", "hub 1-1:1.0: hub_ext_port_status failed (err = -71)", False),
        ("1-2", "uvcvideo: Failed to set UVC probe control : -110 (exp. 26).", True),  # of whichever
        ("1-2", "imx708 11-001a: failed to read chip id 708, with error -5", False),
        ("1-2", "INFO: task python3:1541 blocked for more than 120 seconds.", True),
        ("simulated:cam0", "usb 3-1.3: USB disconnect, device number 10", True),  # a script's, of any kind
    ],
)
def test_the_whole_place_counts_once_it_is_known(place: str, line: str, expected: bool) -> None:
    """Machines have several host controllers, whose ports have the same numbers."""
    said = of_kernel(line)

    assert said is not None
    assert expected == concerns(said, "" if place.startswith("simulated") else _USB, place)


def test_the_reader_lets_through_what_is_understood() -> None:
    """The log is sifted before it is read; each line that says something of cameras passes."""
    sieve = re.compile(kernel.WORDS, re.IGNORECASE)

    assert [] == [quote.text for quote in KERNEL if of_kernel(quote.text) and not sieve.search(quote.text)]
    assert [quote.text for quote in KERNEL if not sieve.search(quote.text)]


def test_what_lasts_is_remembered() -> None:
    """The last such line of each sensor stays, however many other lines follow; sensors are bounded too."""
    memory, lines = Memory(3), []
    for number in range(20):
        text = f"imx{700 + number} 11-001a: failed to read chip id 708, with error -5"
        lines += [text, text, "Under-voltage detected! (0x00050005)"]
    for at, text in enumerate(lines):
        said = of_kernel(text)
        assert said is not None
        memory.add(KernelLine(float(at), text, said))
    kept = memory.lines()

    assert [f"imx{number}" for number in range(712, 719)] == [line.meaning.who for line in kept[:-3]]
    assert lines[-3:] == [line.text for line in kept[-3:]]
    assert sorted(line.at for line in kept) == [line.at for line in kept]


@given(st.text(), st.text(), st.text())
def test_any_text_is_taken(text: str, camera: str, place: str) -> None:
    """Whatever the kernel writes, the answer is a row of the fault table or nothing."""
    said = of_kernel(text)

    assert said is None or said.fault in {"", *FAULTS}
    assert concerns(Meaning(Bus.ANY), camera, place)
