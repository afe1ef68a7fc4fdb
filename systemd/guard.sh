#!/bin/sh
# SPDX-License-Identifier: MIT
# The guard without Python: it keeps systemd's start limit from rebooting the machine for ever.
#
#   guard start         ExecStartPre= of camwatchd.service: writes the start down
#   guard stop UNIT     ExecStopPost=: writes down how it ended, and says what a human can do
#   guard check         camwatchd-guard.service: a camera is healthy at last, the unit failed, or an hour is over
#   guard DIR DIR DIR   a systemd generator, at boot and at each daemon-reload
#
# /var/lib/camwatchd/guard holds lines "BOOT_ID WORD UPTIME"; WORD is `start`, or systemd's $SERVICE_RESULT at
# the end of a run. A boot whose last line is neither `start` (the power went) nor `success` ended in a failure.
# `verdict` judges them; closed, the generator sets StartLimitAction=none. Whatever is in doubt closes: a Pi that
# stands still can be logged into, one that reboots for ever cannot.

# A prefix for tests. Whoever sets the environment of PID 1 or of the unit is root already.
root=${CAMWATCHD_ROOT:-}
PATH=${root:+$root/bin:}/usr/sbin:/usr/bin:/sbin:/bin # generators are given next to no environment
LC_ALL=C
export PATH LC_ALL
umask 022

folder=$root/var/lib/camwatchd # root's own, so that nobody else can put a link there
file=$folder/guard
run=$root/run/camwatchd-guard # what must not outlive the boot; root's own too
disabled=$root/boot/firmware/camwatchd.disable
drop_in=camwatchd.service.d/zz-camwatchd-guard.conf # drop-ins count in the order of their names: after override.conf

# --- the configuration ---------------------------------------------------------------------------------------

# Prints "MODE DAY WEEK BOOTS", or "? FILE:LINE" for what it does not understand. It reads all of TOML as far as
# that decides what belongs to [reboot]: texts become "word" or "?", white space and comments go, and a statement
# that runs over several lines becomes one. What the daemon refuses is not refused here: it exits with 78, which
# systemd does not restart, so that what the limit would do does not matter.
configured() {
    set --
    for toml in "$root/etc/camwatchd/config.toml" "$root"/etc/camwatchd/conf.d/*.toml; do
        [ -e "$toml" ] || [ -L "$toml" ] || continue
        [ -f "$toml" ] || { echo "? $toml"; return; }
        set -- "$@" "$toml"
    done
    awk '
        function confused() { if (odd == "") odd = FILENAME ":" FNR }
        function take(key, value) {
            if (key == "mode") gsub(/"/, "", value)
            if (key in set) { set[key] = value; place[key] = FILENAME ":" FNR }
            else if (key !~ /^(min_uptime_before_reboot|wait_for_others|window)$/) confused()
        }
        function table_of(value,    n, i, pairs) { # reboot = { ... }
            if (value !~ /^\{[^][{}]*\}$/) confused()
            n = split(substr(value, 2, length(value) - 2), pairs, ",")
            for (i = 1; i <= n; i++) assign("reboot.", pairs[i])
        }
        function assign(above, text,    at, key) {
            at = index(text, "=")
            key = above substr(text, 1, at - 1)
            gsub(/"/, "", key)
            if (key == "reboot") table_of(substr(text, at + 1))
            else if (key ~ /^reboot[.]/) take(substr(key, 8), substr(text, at + 1))
            else if (key ~ /^[^.]*[?]/) confused()
        }
        function statement(text) {
            if (text ~ /^\[/) { gsub(/[]"[]/, "", text); above = text "." }
            else if (text != "") assign(above, text)
        }
        BEGIN {
            set["mode"] = "armed"
            set["max_reboots_per_day"] = 4
            set["max_reboots_per_week"] = 10
            set["max_boots_without_health"] = 2
        }
        FNR == 1 {
            if (deep || quotes) confused()
            above = text = quotes = ""
            deep = 0
            sub(/^\357\273\277/, "")
        }
        {
            sub(/\r$/, "")
            rest = $0
            while (rest != "") {
                if (quotes) { # within a text of several lines
                    n = 1
                    if (substr(rest, 1, 1) == "\\" && quotes ~ /"/) n = 2
                    else if (substr(rest, 1, 3) == quotes) {
                        n = match(rest, quotes ~ /"/ ? "^\"\"\"\"?\"?" : "^\047\047\047\047?\047?") ? RLENGTH : 3
                        text = text "\"?\""
                        quotes = ""
                    }
                } else if (match(rest, /^("""|\047\047\047)/)) {
                    quotes = substr(rest, 1, n = 3)
                } else if (match(rest, /^("([^"\\]|\\.)*"|\047[^\047]*\047)/)) {
                    word = substr(rest, 2, (n = RLENGTH) - 2)
                    text = text "\"" (word ~ /^[A-Za-z0-9_-]*$/ ? word : "?") "\""
                } else {
                    char = substr(rest, 1, n = 1)
                    if (char == "#") break
                    if (char ~ /[[{]/) deep++
                    if (char ~ /[]}]/) deep--
                    if (char !~ /[ \t]/) text = text char
                }
                rest = substr(rest, n + 1)
            }
            if (!quotes && deep <= 0) { statement(text); text = ""; deep = 0 }
        }
        END {
            if (deep || quotes) confused()
            for (key in set)
                if (set[key] !~ (key == "mode" ? "^(armed|observe|off)$" : "^[0-9]+$")) odd = place[key]
            if (odd != "") print "? " odd
            else print set["mode"], set["max_reboots_per_day"], set["max_reboots_per_week"], \
                set["max_boots_without_health"]
        }
    ' "$@" </dev/null
}

# --- the verdict ---------------------------------------------------------------------------------------------

foreign() { # whether folder or file are not what root made of them
    [ ! -d "$folder" ] || [ -L "$folder" ] || [ ! -O "$folder" ] || [ -L "$file" ] ||
        { [ -e "$file" ] && [ ! -f "$file" ]; }
}

sound() { # whether every line of the file is one, and the last one has its end
    end=$(tail -c 1 "$file") && [ -z "$end" ] && awk '
        NF != 3 || length($1) != 36 || $1 !~ /^[0-9a-f-]+$/ || $2 !~ /^[a-z-]+$/ || $3 !~ /^[0-9]+[.]?[0-9]*$/ {
            bad = 1
        }
        END { exit bad }
    ' "$file"
}

distrust() { # why what stands in the folder proves nothing; silent: it does
    if foreign; then echo "$file or its folder is missing or is not root's own"; return; fi
    kind=$(stat -f -c %T "$folder")
    case $kind in
        tmpfs | ramfs | overlayfs | aufs | squashfs | '')
            echo "$folder is on ${kind:-an unknown file system}: what it tells need not be of earlier boots" ;;
        *) if [ ! -e "$file" ]; then echo "$file is missing"; elif ! sound; then echo "$file is damaged"; fi ;;
    esac
}

# Failures of boot n since it last went well. Whoever kills the whole unit kills `guard stop` too (seen with systemd
# 257): a start that follows a start tells of a failure that nobody wrote down. A boot that had one and ends with
# `start` ended in a failure, not by a power cut, or the budget would know nothing of the reboot.
# shellcheck disable=SC2016 # a program of awk's
counting='function count(event) {
    if (event == "success") bad[n] = 0
    else if (event != "start" || word[n] == "start") bad[n]++
}'

# Powered-on time is known within each boot alone, from its first line to its last (in a container /proc/uptime
# is the host's). What comes after the last line is missing: boots look more recent than they are, never less.
judge() { # DAY WEEK BOOTS
    healthy=
    [ ! -f "$folder/state/healthy" ] || [ -L "$folder/state/healthy" ] || read -r healthy _ <"$folder/state/healthy"
    case $healthy in *[!0-9a-f-]*) healthy= ;; esac
    awk -v boot="$boot" -v uptime="$uptime" -v healthy="$healthy" -v day="$1" -v week="$2" -v boots="$3" "$counting"'
        $1 != id { id = ids[++n] = $1; first[n] = $3 }
        { count($2); word[n] = $2; last[n] = $3 }
        END {
            if (day > 99) day = 99 # of more boots than that `shorten` may have left too little
            if (week > 99) week = 99
            for (i = n; i > 0; i--) {
                if (ids[i] == boot) { on += uptime - first[i]; continue }
                earlier = 1
                failed = word[i] != "success" && bad[i]
                if (!failed || ids[i] == healthy) done = 1
                if (!done) row++
                if (failed && on < 86400) in_a_day++
                if (failed && on < 7 * 86400) in_a_week++
                on += last[i] - first[i]
            }
            if (healthy == boot) row = 0
            else if (!earlier) why = "its record begins with this boot, and no camera was healthy in it yet"
            if (row + 0 >= boots)
                why = "the last " row " boots ended in a failure without one healthy frame" \
                    " (max_boots_without_health = " boots ")"
            else if (in_a_day + 0 >= day)
                why = in_a_day + 0 " boots of 24 powered-on hours ended in a failure (max_reboots_per_day = " day ")"
            else if (in_a_week + 0 >= week)
                why = in_a_week + 0 " boots of 7 powered-on days ended in a failure (max_reboots_per_week = " week ")"
            print (why == "" ? "open" : why)
        }
    ' "$file"
}

verdict() { # prints "open", or why the start limit must not reboot
    # shellcheck disable=SC2046 # a line of words
    set -- $(configured)
    case ${1:-?} in
        armed) ;;
        observe | off) echo "[reboot] mode is \"$1\""; return ;;
        *) echo "what the configuration says about [reboot] is not understood (${2:-everything})"; return ;;
    esac
    if [ -e "$run/unwritten" ]; then echo "$file could not be written: $(cat "$run/unwritten")"; return; fi
    if [ -z "$boot" ]; then echo "the kernel does not name this boot"; return; fi
    doubt=$(distrust)
    if [ -n "$doubt" ]; then echo "$doubt"; else judge "$2" "$3" "$4"; fi
}

closed() { # sets `why`
    why=$(verdict | tr -c '[:print:]\n' '?')
    [ "${why:=the guard itself is broken}" != open ]
}

# --- writing -------------------------------------------------------------------------------------------------

# In the background: a card that does not answer must not hold us up, and who waits for the answer is `head`.
write_down() { # WORD
    answer=$({ (exec 2>&1 && append "$1") & } | timeout 4 head -n 1)
    mkdir -p "$run"
    case $answer in
        written) rm -f "$run/unwritten" ;;
        *) echo "${answer:-no answer within 4 s}" >"$run/unwritten" ;;
    esac
}

append() { # WORD; prints "written", else what went wrong
    if foreign; then distrust; return; fi
    # It begins anew, and proves nothing until a camera is healthy; a human may want to see the old one.
    [ ! -e "$file" ] || sound || mv -f "$file" "$file.damaged"
    echo "$boot $1 $uptime" | tee -a "$file" >/dev/null || return # tee names what is wrong with the disk
    [ "$(wc -l <"$file")" -lt 600 ] || shorten || return
    sync "$file" "$folder" && echo written
}

shorten() { # to what `judge` needs: the first and the last line of each boot, and that it saw a failure, of the last 200
    awk "$counting"'
        $1 != id { id = $1; first[++n] = $0; count($2); word[n] = $2; next }
        { count($2); word[n] = $2; last[n] = "\n" $0; told[n] = "\n" $1 " unrecorded " $3 }
        END {
            for (i = n > 200 ? n - 199 : 1; i <= n; i++)
                print first[i] (word[i] == "start" && bad[i] ? told[i] : "") last[i]
        }
    ' "$file" >"$file.new" && sync "$file.new" && mv -f "$file.new" "$file"
}

# --- what is in force ----------------------------------------------------------------------------------------

say() { # PRIORITY TEXT
    if [ -n "${JOURNAL_STREAM:-}" ]; then echo "<$1>$2"; else echo "camwatchd-guard: $2"; fi
}

in_force() {
    if [ -e "$root/run/systemd/generator/$drop_in" ]; then echo closed; else echo open; fi
}

settle() { # WHAT-TO-SAY (all, changes): has systemd do what the verdict says, and says what that is
    if closed; then wanted=closed; else wanted=open; fi
    before=$(in_force)
    [ "$before" = $wanted ] || timeout 8 systemctl daemon-reload # PID 1 runs the generator anew
    [ "$(in_force)" = $wanted ] || say 3 "daemon-reload did not take effect: for systemd reboots are still $before"
    # Every hour the same would be noise.
    if [ "$before" = $wanted ] && [ "$1" = changes ]; then
        return
    elif [ $wanted = closed ]; then
        say 5 "systemd's start limit will not reboot this machine: $why"
    elif [ "$before" = closed ]; then
        say 5 "systemd's start limit may reboot this machine again"
    fi
}

generate() { # FOLDER
    closed || return 0
    mkdir -p "$1/${drop_in%/*}"
    printf '%s\n' '# Written by the guard of camwatchd at each boot and each daemon-reload, because' "# $why" \
        '[Unit]' 'StartLimitAction=none' >"$1/$drop_in"
    # It is too early for the journal. Only a device: in a container it may be a pipe that nobody reads.
    [ ! -c /dev/kmsg ] || echo "<5>camwatchd-guard: no reboot by systemd's start limit: $why" >/dev/kmsg
}

# --- the verbs -----------------------------------------------------------------------------------------------

start() {
    rm -f "$run/stay"
    # systemd 257 does not look at ConditionPathExists= again when it restarts the unit by itself.
    if [ -e "$disabled" ]; then
        say 5 "$disabled is there: it stays down"
        trap 'exit 0' TERM # by the stop that we ask for; that we are ended by it would be a failure of the unit
        timeout 10 systemctl stop camwatchd.service &
        wait
    fi
    # Only systemd's own restarts add up to a reboot. A start that somebody asked for after a failure begins the
    # count anew: an engineer who needs five attempts to mend a configuration must not lose the machine.
    case $(foreign || tail -n 1 "$file" 2>/dev/null) in
        "$boot start "* | "$boot success "*) ;;
        "$boot "*)
            [ "$(timeout 5 systemctl show --property=NRestarts --value camwatchd.service)" != 0 ] ||
                timeout 5 systemctl reset-failed camwatchd.service ;;
    esac
    write_down start
    settle all
}

stop() { # UNIT
    # First, as nothing may keep it from being done: systemd counts every start, whatever ended the last run.
    [ "$SERVICE_RESULT" != success ] || timeout 5 systemctl reset-failed "$1"
    write_down "$SERVICE_RESULT"
    [ "$SERVICE_RESULT" != success ] || return
    explain "$SERVICE_RESULT/$EXIT_STATUS"
    settle all
    next "$1"
}

explain() { # RESULT/STATUS
    case $1 in
        exit-code/75) text="asked for this restart itself; why stands above" ;;
        exit-code/78) text="cannot start, and why stands above: mistakes in its configuration (camwatchd \
--check-config), a package missing (apt install --fix-broken) or broken (apt install --reinstall camwatchd)" ;;
        exit-code/1) text="is broken, its traceback stands above: apt install --reinstall camwatchd" ;;
        exit-code/2) text="does not know its arguments: look at ExecStart= in systemctl cat camwatchd" ;;
        exit-code/203) text="or its Python cannot be executed: apt install --reinstall camwatchd python3" ;;
        exit-code/) text="was not even started: what failed before it stands above" ;;
        exit-code/*) text="ended with status ${1#*/}" ;;
        watchdog/*) text="gave systemd no sign of a healthy frame in time, and was killed" ;;
        timeout/*) text="did not start or stop in time, and was killed" ;;
        signal/* | core-dump/*) text="was ended by signal ${1#*/}; bad memory or a bad card can be behind a crash" ;;
        *) text="failed: $1" ;;
    esac
    say 3 "camwatchd $text"
}

next() { # UNIT: says what happens now
    later="camwatchd-retry.timer tries again at most 15 minutes from now; at once: systemctl start camwatchd"
    case $(timeout 2 systemctl list-jobs --no-legend "$1")/$SERVICE_RESULT/$EXIT_STATUS in
        *" stop "*) : >"$run/stay"; say 5 "it was told to stop, and stays down" ;;
        *" restart "*) say 5 "it was told to restart, and does" ;;
        */exit-code/75 | */watchdog/* | */timeout/* | */signal/* | */core-dump/* | */oom-kill/*)
            if [ "$why" = open ]; then last="the machine is rebooted"; else last="it stays down, and $later"; fi
            say 5 "systemd starts it again in a few seconds; once that was too often (StartLimitBurst=), $last" ;;
        *) say 5 "it stays down; $later" ;;
    esac
}

check() {
    # Without its user systemd starts nothing of the unit, not even the verbs above: nobody else says so.
    text="its user camwatchd is missing: run systemd-sysusers, or apt install --reinstall camwatchd; \
camwatchd-retry.timer tries again at most 15 minutes from now; at once: systemctl start camwatchd"
    id -u camwatchd >/dev/null 2>&1 ||
        printf '%s\n' "MESSAGE=$text" PRIORITY=3 SYSLOG_IDENTIFIER=camwatchd-guard \
            OBJECT_SYSTEMD_UNIT=camwatchd.service | logger --journald # among the unit's own lines
    settle changes
}

boot=
uptime=0
read -r boot <"$root/proc/sys/kernel/random/boot_id"
read -r uptime _ <"$root/proc/uptime"
: "${SERVICE_RESULT:=unknown}" "${EXIT_STATUS:=}"

case $#/${1:-} in
    3/*) generate "$1" ;;
    1/start) start ;;
    2/stop) stop "$2" ;;
    1/check) check ;;
    *) echo "usage: guard start | stop UNIT | check | DIR DIR DIR" >&2; exit 64 ;;
esac
exit 0 # a trouble of the guard's own keeps nothing from starting or stopping
