# SPDX-License-Identifier: MIT
# ruff: noqa: E501  # a row stays on one line
"""Owns the tables of what picamera2 raises and libcamera writes when a camera fails, and which fault each names.

Words are a poor witness: libcamera says the same of a camera that failed and of one that is merely being
closed. So a line is either *direct* (the camera cannot deliver any more, whatever follows) or a *clue*, which
only gives a better name to a failure that was noticed otherwise. Sources: issue threads of
raspberrypi/picamera2 (p), raspberrypi/rpicam-apps (r), raspberrypi/libcamera (l), kbingham/libcamera (k),
sunfounder/vilib (v), and source files.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row: words, and the fault that they name. `opening`: only if it was the opening of the camera that failed."""

    pattern: re.Pattern[str]
    fault: str
    direct: bool
    opening: bool


def _rows(*table: tuple[str, str, str]) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(re.compile(regex), fault.rstrip("!?"), fault.endswith("!"), fault.endswith("?"))
        for regex, fault, _ in table
    )


_IO = r"(Connection timed out|Input/output error|Remote I/O error)"

# The first row that fits names the fault. An exception is matched as `repr()` and as a traceback shows it.
# libcamera answers EACCES to a call that does not fit the camera's state (camera.cpp, isAccessAllowed): that is
# our muddle, not a matter of permissions. "?": Python says the same of anything, so only when the camera is opened.
# fmt: off
EXCEPTIONS = _rows(
    (r"No camera number \d+ found",                                 "not-found",       "picamera2.py __init__ from 0.3.37, p#1388"),
    (r"IndexError.*list index out of range",                        "not-found?",      "picamera2.py __init__ before, p#1081 #1009 #866"),
    (r"Camera\(s\) not found",                                      "not-found",       "picamera2.py _initialize_camera, p#91"),
    (r"ModuleNotFoundError|ImportError|undefined symbol",           "missing-package", "p#1170 #1088 #1362"),
    (r"numpy\.dtype size changed|_ARRAY_API not found",             "missing-package", "numpy of pip over numpy of apt, p#1211 #466"),
    (r"No such device|OSError\(19,",                                "device-gone",     "camera.cpp isAccessAllowed; seen at an unplugged USB camera"),
    (r"Failed to (queue request|add buffer)",                       "buffer-queue",    "py_main.cpp"),
    (r"Failed to \w+ camera: Permission denied",                    "init-failed",     "camera.cpp isAccessAllowed: EACCES is a wrong state"),
    (r"Could not open any dmaHeap device",                          "permission",      "dma_heap.py, r#218"),
    (r"(Permission denied|Operation not permitted).*/dev/",         "permission",      "group video is missing, or a DeviceAllow="),
    (r"PermissionError\(",                                          "permission?",     "the same; repr() leaves the file out"),
    (r"Device or resource busy|OSError\(16,",                       "busy",            "camera.cpp acquire, p#1048 #627 #587 #399 #991"),
    (r"acquire\(\) returned unexpected code: -16",                  "busy",            "picamera2 before 0.3.9, p#399"),
    (r"Cannot allocate memory|MemoryError|OSError\(12,",            "no-memory",       "p#972 #951 #1102 #1130 #869 #1125 #1358"),
    (r"[Ff]ailed to allocate (capture )?buffers",                   "no-memory",       "dmaallocator.py, libcameraallocator.py, r#718"),
    (r"Invalid camera configuration|Configuration failed",          "configuration",   "picamera2.py configure, p#130 #342"),
    (r"Failed to configure camera: Invalid argument",               "configuration",   "py_main.cpp"),
    (r"is not advertised by libcamera|Bad key |Bad format |Unrecognised raw format", "configuration", "picamera2.py, controls.py"),
    (r"Invalid format: |should be even|stream should be |lores stream (must|dim)",   "configuration", "formats.py; picamera2.py check_camera_config"),
    (r"Unable to cast Python instance|incompatible constructor arguments|Control type not implemented", "configuration", "pybind11 and py_helpers.cpp, of a control's value of the wrong type, v#11"),
    (r"(Rectangle|Size)\(\) argument after \* must be an iterable",    "configuration",   "controls.py: a number where a rectangle or a size belongs"),
    (r"Failed to start camera: No space left on device",            "configuration",   "uvc_video.c: the USB bus has no bandwidth left"),
    (_IO + r"|TimeoutError\(110,|OSError\((5|121),",                "sensor-io",       "p#668 k#25 #20"),
    (r"Camera __init__ sequence did not complete",                  "init-failed",     "picamera2.py __init__, a wrapper"),
    (r"Failed to initialize camera|Initialization failed|Camera grab failed", "init-failed", "picamera2.py, wrappers"),
    (r"Failed to (start|acquire|configure) camera|Camera did not start properly",    "init-failed",   "py_main.cpp; before: picamera2.py, p#668"),
    (r"acquire\(\) returned unexpected code",                       "init-failed",     "picamera2 before 0.3.9"),
)

# "!" marks what is a fault at once.
LINES = _rows(
    (r"Camera frontend has timed out!",                             "frontend-timeout!", "pipeline_base.cpp cameraTimeout: from then on it cancels every request, p#1295"),
    (r"Dequeue timer of .* has expired!",                           "frontend-timeout",  "v4l2_videodevice.cpp; the line above follows within a millisecond, p#952 #883 #873 #854"),
    (r"Please check that your camera sensor connector|try another cable and/or sensor", "frontend-timeout", "pipeline_base.cpp"),
    (r"Failed to (de)?queue buffer.*: No such device",              "device-gone!",      "v4l2_videodevice.cpp"),
    (r"No such device",                                             "device-gone",       "any later call on it, closing included"),
    (r"Exception during process_requests\(\)",                      "event-loop-dead!",  "null_preview.py: the thread dies, nobody notices, p#432"),
    (r"^Exception in thread .*\(listen\)",                          "event-loop-dead!",  "picamera2.py CameraManager.listen: the thread that forwards frames"),
    (r"^Exception in thread .*\(thread_func\)",                     "event-loop-dead",   "null_preview.py, after its own words"),
    (r"trying acquire\(\) requiring state",                         "init-failed",       "camera.cpp: we hold it ourselves, p#306"),
    (r"Pipeline handler in use by another process",                 "busy",              "camera.cpp acquire, p#1048 #627"),
    (r"Device or resource busy",                                    "busy",              "somebody else streams, p#991 #587"),
    (r"Could not open any (dma-buf provider|dmaHeap device)",       "permission",        "dma_buf_allocator.cpp, dma_heap.py, r#218"),
    (r"Failed to register camera .*: -1[23]$",                      "permission",        "vc4.cpp match: ENOMEM when no dma-heap could be opened"),
    (r"Failed to register camera .*: -(5|110|121)$",                "sensor-io",         "vc4.cpp, pisp.cpp"),
    (r"^(?=.*: (Permission denied|Operation not permitted)$)(?!.*Unable to (set|read|get) controls?\b)((V4L2|Media|Dma)\w* |.*/dev/)", "permission", "v4l2_device.cpp, media_device.cpp, media_object.cpp, dma_buf_allocator.cpp; of a control: it is read-only"),
    (r"Cannot allocate memory|dma-?[hH]eap (allocation|mmap) failure", "no-memory",      "dma_buf_allocator.cpp, dma_heap.py, vc4 IPA, p#869 #1125 #1358"),
    (r"Unable to request \d+ buffers|Not enough buffers provided|Failed to allocate buffers", "no-memory", "v4l2_videodevice.cpp, pipeline_base.cpp, r#718 #912"),
    (r"Failed to set (default )?format on .*: -22$|Failed to set requested format on .*, returned ", "configuration", "vc4.cpp, pisp.cpp, p#342"),
    (r"Failed to (de)?queue buffers?\b",                            "buffer-queue",      "v4l2_videodevice.cpp, rpi_stream.cpp, l#355"),
    (r"Dequeued buffer .* too small",                               "broken-picture",    "v4l2_videodevice.cpp"),
    (r"(?i)\bbuffer (queue )?(overflow|overrun)",                   "buffer-overflow",   "words of drivers and encoders"),
    (r"(?i)\bbuffer (queue )?(underflow|underrun)",                 "buffer-underflow",  "words of drivers and encoders"),
    (r"Unable to (set|read) controls?\b(?!.*: (Invalid argument|Numerical result out of range|Permission denied)$)|DelayedControl set failed", "sensor-io", "v4l2_device.cpp: frames may keep flowing, r#550 #472 k#83"),
    (_IO,                                                           "sensor-io",         "any call on a sensor that does not answer, p#668 k#25"),
    (r"Failed to start streaming: No space left on device",         "configuration",     "uvc_video.c: the USB bus has no bandwidth left"),
    (r"Failed to start streaming",                                  "init-failed",       "v4l2_videodevice.cpp"),
)

# What libcamera says at every healthy start: known, and no evidence of anything.
HARMLESS = (
    r"Mismatch between Unicam and CamHelper",        # vc4.cpp, l#102
    r"Using legacy SDN tuning",                      # sdn.cpp, p#918
    r"No static properties available|updating the camera sensor properties database",  # p#846
    r"No sensor delays found in static properties",  # camera_sensor_legacy.cpp, p#1241
    r"Recommended V4L2 control|sensor kernel driver needs to be fixed",  # camera_sensor.cpp
    r"Unable to get rectangle .*: Inappropriate ioctl for device",       # v4l2_subdevice.cpp
    r"Unsupported V4L2 pixel format",                # v4l2_pixelformat.cpp
    r"Symbol ipaModuleInfo not found|IPA module has no valid info",      # ipa_module.cpp
    r"No IPA found in|falling back to 'uncalibrated\.yaml'",             # ipa_manager.cpp, ipa_proxy.cpp
    r"libcamera v\d|libpisp version",                # camera_manager.cpp, pisp.cpp
    r"Registered camera|Adding camera|Found pipeline: ",                 # vc4.cpp, camera_manager.cpp, media_pipeline.cpp
    r"Using (configuration|tuning) file",            # pipeline_base.cpp, ipa_proxy.cpp
    r"configuring streams|Selected sensor format: ",                   # camera.cpp, vc4.cpp
    r"Zero sequence expected for first frame",       # v4l2_videodevice.cpp
    r"Adjusting mode minimum line length",           # ipa_base.cpp
)
# fmt: on
