# SPDX-License-Identifier: MIT
"""Applications that get their frames from camwatchd: `python3 -m camwatchd.examples.cam1_stream`, and to copy from."""
