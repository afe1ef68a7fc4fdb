#!/bin/busybox ash
# The guest's first process: finds the disk and hands over to systemd.
PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*.ko; do
    busybox insmod "$module"
done
busybox mount -t ext4 -o rw,noatime /dev/vda /root || exec busybox ash
for folder in proc sys dev; do
    busybox mount --move "/$folder" "/root/$folder"
done
exec busybox switch_root /root /lib/systemd/systemd
