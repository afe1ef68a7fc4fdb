# SPDX-License-Identifier: MIT
"""The built package in booted containers of Debian 12 and 13; see README.md."""
