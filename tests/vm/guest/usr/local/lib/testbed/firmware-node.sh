#!/bin/sh
# libcamera names a USB camera after the firmware node of its host controller. The virtual host
# controller has none, and nothing can be created in sysfs, so that /sys/devices/platform is covered
# by a copy made of bind mounts that has one.
set -e
platform=/sys/devices/platform
copy=/run/platform

[ ! -e "$platform/firmware_node/path" ] || exit 0
mkdir -p "$copy"
mount -t tmpfs platform "$copy"
mkdir "$copy/firmware_node"
echo /base/soc/usb@0 > "$copy/firmware_node/path"
for entry in "$platform"/*; do
    name=${entry##*/}
    if [ -d "$entry" ]; then
        mkdir "$copy/$name"
        mount --bind "$entry" "$copy/$name"
    else
        touch "$copy/$name"
    fi
done
mount --rbind "$copy" "$platform"
