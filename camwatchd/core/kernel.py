# SPDX-License-Identifier: MIT
# ruff: noqa: E501  # a row stays on one line
"""Owns what the kernel's own lines say about cameras: on which bus, of which device, and which fault they explain.

None of them is a fault by itself: the kernel says the same of a camera that failed and of a mouse that was
unplugged. A line that names a fault is a clue; the others are evidence only. Sources: issue threads of
raspberrypi/linux (x), picamera2 (p), rpicam-apps (r), libcamera (l), firmware (w), and the drivers' source files.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Bus(StrEnum):
    """What a camera is connected to, or a kernel line is about."""

    USB = "usb"
    CSI = "csi"
    ANY = "any"  # not known, or both


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line says. `who`: the USB device ("1-1.3") or the sensor ("imx708"), where it names one.

    `fault` is empty where it explains none; `lasting`: nothing in this boot will undo it.
    """

    bus: Bus
    fault: str = ""
    who: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class KernelLine:
    """A line about cameras, and when the kernel wrote it (monotonic seconds)."""

    at: float
    text: str
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; an empty bus: nothing to do with cameras, whatever rows below say."""

    pattern: re.Pattern[str]
    bus: str
    fault: str
    lasting: bool


def _rows(*table: tuple[str, str, str, str]) -> tuple[Row, ...]:
    return tuple(
        Row(re.compile(regex), bus, fault.rstrip("~"), fault.endswith("~")) for regex, bus, fault, _ in table
    )


_USB = r"^(?:usb|uvcvideo) (?P<who>\d+-[\d.]+)(?::\d+\.\d+)?: "
_UVC = r"^(?:(?:usb|uvcvideo) (?P<who>\d+-[\d.]+)(?::\d+\.\d+)?|uvcvideo): "  # before 5.12 without a device
_SENSOR = r"(?:imx|ov|ar0|arducam|gc|hm|mira|os0|ox0|s5k|sc|tevs|vd)\w*"
_CHIP = rf"^(?:(?P<who>{_SENSOR})|(?:dw98|ak73|ad58)\w*) \d+-00[0-9a-f]{{2}}: "  # or the motor of some lens
_CSI = r"^(?:unicam|rp1-cfe|bcm2835-unicam)\b[^:]*: (?:\S+: )?"
_FIRMWARE = r"^(?:bcm2835[_-](?:mmal[_-]vchiq|codec|isp|v4l2)|vc_sm_cma\w*|vchiq)\b"

# The first row that fits counts. "~" marks what lasts for the whole boot.
# fmt: off
TABLE = _rows(
    (_UVC + r"Failed to query \(\w+\) UVC control .*: -32 ",            "",    "",              "uvc_video.c: a control that the camera lacks, crowsnest#87"),
    (_UVC + r"Failed to (query|set) .*: -(71|110) ",                    "usb", "sensor-io",     "uvc_video.c: no answer to a control request, x#618"),
    (_UVC + r"Failed to (query|set) .*: -19 ",                          "usb", "device-gone",   "uvc_video.c"),
    (_UVC + r"Failed to (query|set|submit|resubmit) ",                  "usb", "",              "uvc_video.c"),
    (_UVC + r"Non-zero status \(-\d+\) in ",                            "usb", "",              "uvc_video.c, uvc_status.c, x#199"),
    (_UVC + r"No fast enough alt setting|^(usb|hub) .*: (Not|not) enough bandwidth", "usb", "configuration", "uvc_video.c, hcd.c, xhci.c"),
    (_UVC + r"Found UVC ",                                              "usb", "",              "uvc_driver.c: the camera is back"),
    (_USB + r"USB disconnect, device number",                           "usb", "device-gone",   "hub.c"),
    (_USB + r"reset [\w+-]+ USB device",                                "usb", "",              "hub.c"),
    (_USB + r"(device descriptor read|device not accepting|can't set config|device firmware changed|Device not responding|cannot reset)", "usb", "", "hub.c"),
    (r"^usb usb\d+-port\d+: |^hub \S+: .*(failed|disabled|over-current|[Cc]annot|unable)", "usb", "", "hub.c: enumeration, over-current, EMI"),
    (r"^xhci[_-]hcd .*(assume dead|HC died)|^dwc_otg.*: HC died",       "usb", "device-gone",   "xhci-ring.c, x#5753: all that is plugged in is gone"),
    (r"^xhci[_-]hcd .*(not responding|ERROR|Host System Error)",        "usb", "",              "xhci-ring.c"),

    (_CHIP + r"(error -\w+: )?(failed to (read chip id|find sensor)|chip id mismatch|probe with driver \S+ failed)", "csi", "sensor-io~", "imx708.c, imx219.c: it is probed once a boot, l#298 r#902"),
    (rf"^(?P<who>{_SENSOR}): probe of \d+-00[0-9a-f]{{2}} failed",       "csi", "sensor-io~",    "base/dd.c until 6.7, r#400"),
    (rf"^i2c i2c-\d+: Failed to register i2c client (?P<who>{_SENSOR}) ", "csi", "",            "i2c-core-base.c: the overlay is loaded twice"),
    (_CHIP + r".*([Ff]ailed|[Ee]rror\b|timed out|timeout)",             "csi", "sensor-io",     "drivers/media/i2c, p#668 x#7613"),
    (r"^rp2040-gpio-bridge .*(failed|could not)",                       "csi", "sensor-io",     "the AI camera's own controller, x#7613"),
    (r"^i2c[_-](bcm2835|designware|brcmstb)\S* .*(timed out|timeout)",  "csi", "sensor-io",     "i2c-bcm2835.c, i2c-designware-master.c, x#5784"),
    (_CSI + r"stream on failed in subdev",                              "csi", "sensor-io",     "unicam.c, rp1_cfe/cfe.c, x#6982 x#7398"),
    (_CSI + r".*([Ff]ailed|[Ee]rror|not enabled|[Tt]imeout|timed out)", "csi", "",              "unicam.c, rp1_cfe/cfe.c"),
    (_FIRMWARE + r".*(timed out|[Tt]imeout|[Ff]ailed|failed to create|throw away|refcount)", "csi", "", "the firmware does not answer, x#5360 x#4606 p#1090"),

    (r"\bcma\b.*alloc failed|page allocation failure",                  "any", "no-memory",     "mm/cma.c, x#2966 r#912"),
    (r"^Out of memory: Killed process|oom_reaper: reaped",              "any", "",              "mm/oom_kill.c"),
    (r"^INFO: task .* blocked for more than",                           "any", "",              "kernel/hung_task.c, p#1275 p#1090"),
    (r"^WARNING: .*(drivers/media/|videobuf2|v4l2)|__vb2_queue_cancel|vb2_wait_for_all_buffers", "any", "", "x#6982 r#849 p#1275"),
    (r"^(Internal error: Oops|Unable to handle kernel|BUG: )",          "any", "",              "x#7398"),
    (r"\]: segfault at .*(libcamera|libpisp|python)",                   "any", "",              "arch/x86/mm/fault.c, arch/arm64/kernel/traps.c"),
    (r"(?i)under-?voltage detected|^(hwmon hwmon\d+: )?Voltage normalised", "any", "",          "raspberrypi-hwmon.c, x#1754 w#681"),
)
# fmt: on

# libcamera's names of cameras: of USB "<controller>-1.3:1.0-046d:0825", with the ports but without the number of the
# bus (uvcvideo.cpp, generateId); of CSI the sensor's node, "/base/soc/i2c0mux/i2c@1/imx708@1a".
_USB_CAMERA = re.compile(r"-(?:\d+-)?(\d+(?:\.\d+)*):\d+\.\d+-[0-9a-f]{4}:[0-9a-f]{4}$")
_CSI_CAMERA = re.compile(rf"(?:^|/)({_SENSOR})(?:@[0-9a-f]+)?$")


def of_kernel(text: str) -> Meaning | None:
    """What a line of the kernel says about cameras, if it does."""
    for row in TABLE:
        if match := row.pattern.search(text):
            who = match.groupdict().get("who") or ""
            return Meaning(Bus(row.bus), row.fault, who, row.lasting) if row.bus else None
    return None


def concerns(meaning: Meaning, camera: str) -> bool:
    """Whether it may be about this camera, by its id or model as far as one is known."""
    if usb := _USB_CAMERA.search(camera):
        ports = meaning.who.partition("-")[2]
        return meaning.bus is Bus.ANY or (meaning.bus is Bus.USB and ports in ("", usb[1]))
    if csi := _CSI_CAMERA.search(camera):
        return meaning.bus is Bus.ANY or (meaning.bus is Bus.CSI and csi[1].startswith(meaning.who))
    return True
