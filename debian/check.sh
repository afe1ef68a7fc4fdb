#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh FOLDER: build twice, where folder, umask, time zone, language and user's home differ; the same bytes must
# come out, and lintian must find no fault with them.
set -eu

folder=$1
first=$folder/one
second=$folder/another/place

cd "$(dirname "$0")/.."
sh debian/build.sh "$first"
(umask 077 && HOME=/nonexistent TZ=Asia/Kathmandu LC_ALL=C.UTF-8 sh debian/build.sh "$second")

for file in "$first"/camwatchd_*.deb "$first"/camwatchd_*.dsc "$first"/camwatchd_*.tar.xz; do
    cmp "$file" "$second/${file##*/}"
    sha256sum "$file"
done
echo "two builds, the same bytes"

lintian --allow-root --fail-on error,warning "$first"/camwatchd_*.changes
echo "lintian found nothing"
