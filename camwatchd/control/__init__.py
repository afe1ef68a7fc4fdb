# SPDX-License-Identifier: MIT
"""Owns the control socket: what may be said on it, who may say what, the daemon's end and a client's."""
