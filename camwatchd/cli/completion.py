# SPDX-License-Identifier: MIT
"""Owns what bash completes after `camwatchctl`: a script made from the table of verbs.

python -m camwatchd.cli.completion > debian/completion/camwatchctl
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

from camwatchd import cli
from camwatchd.cli import status
from camwatchd.core.faults import FAULTS, Issue
from camwatchd.core.ladder import Rung

_SCRIPT = """\
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Generated from the table of verbs: python -m camwatchd.cli.completion > debian/completion/camwatchctl

# The running daemon knows its cameras by name; nobody waits long for it.
_camwatchctl_cameras() {{
    timeout 2 camwatchctl status "$@" --json < /dev/null 2> /dev/null |
        sed -n '/^  "cameras": {{$/,/^  }}/s/^    "\\([^"]*\\)": {{$/\\1/p'
}}

_camwatchctl() {{
    local word verb='' last='' socket=() options words='' kind='' i
    local cur=${{COMP_WORDS[COMP_CWORD]}}

    # bash takes --camera=cam0 for three words.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        [ "$word" = = ] && continue
        if [ "$last" = --socket ]; then
            socket=(--socket "$word")
            last=''
        elif [ -z "$verb" ] && [[ $last = -* && ' {valued} ' = *" $last "* ]]; then
            last=''
        elif [ -z "$verb" ] && [[ $word != -* ]]; then
            verb=$word
            last=''
        else
            last=$word
        fi
    done
    [ "$cur" = = ] && cur=''

    case $verb in
{options}
        *) options='' ;;
    esac

    case "$verb $last" in
{values}
        *) kind=argument ;;
    esac

    if [ $kind = argument ]; then
        case $verb in
            '') words='{verbs}' ;;
{arguments}
            *) kind=none ;;
        esac
        if [[ $cur == -* ]] || [ $kind = none ]; then
            kind=words words=$options
        fi
    fi

    COMPREPLY=()
    case $kind in
        files)
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
        folders)
            compopt -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            ;;
        cameras) mapfile -t COMPREPLY < <(compgen -W "$(_camwatchctl_cameras "${{socket[@]}}")" -- "$cur") ;;
        free) ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
    esac
}}

complete -F _camwatchctl camwatchctl
"""

# What a value is, by the name that the help gives it; any other is the operator's own.
_KINDS = {"FILE": "files", "PATH": "files", "DIR": "folders"}
_WORDS: dict[str, Sequence[str]] = {"FAULT": tuple(FAULTS), "RUNG": tuple(Rung), "ID": ("last",)}


def script() -> str:
    """The whole script."""
    parsers = {"": _parser(status.VERB.name), **{verb.name: _parser(verb.name) for verb in cli.VERBS}}
    return _SCRIPT.format(
        verbs=" ".join(verb.name for verb in cli.VERBS),
        valued=" ".join(_names([action for action in _actions(parsers[""]) if action.nargs != 0])),
        options="\n".join(_options(parsers)),
        values="\n".join(_values(parsers)),
        arguments="\n".join(_arguments(parsers)),
    )


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    next(verb for verb in cli.VERBS if verb.name == name).add_arguments(parser)
    return parser


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001  # argparse has no other way to ask


def _options(parsers: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    """Of each verb all options; without a verb those of status, and the command's own."""
    own = _names(_actions(cli.arguments()))
    for verb, parser in parsers.items():
        names = _names(_actions(parser)) if verb else sorted({*own, *_names(_actions(parser))})
        yield f"        {verb or _quoted('')}) options='{' '.join(names)}' ;;"


def _names(actions: Sequence[argparse.Action]) -> list[str]:
    return sorted(name for action in actions for name in action.option_strings if name.startswith("--"))


def _values(parsers: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    """What follows an option that takes a value."""
    yield "        *' --socket') kind=files ;;"
    for verb, parser in parsers.items():
        for action in _actions(parser):
            if action.option_strings and action.nargs != 0 and action.dest != "socket":
                names = "|".join(f"'{verb} {name}'" for name in action.option_strings)
                yield f"        {names}) {_kind(action)} ;;"


def _arguments(parsers: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    """What follows a verb that takes an argument; bash is not told how many."""
    for verb, parser in parsers.items():
        for action in [action for action in _actions(parser) if not action.option_strings][:1]:
            yield f"            {verb}) {_kind(action)} ;;"


def _kind(action: argparse.Action) -> str:
    metavar = str(action.metavar or "")
    if action.dest == "fault":
        return f"kind=words words='{' '.join((*Issue, *FAULTS))}'"
    words = action.choices or _WORDS.get(metavar, ())
    if action.dest in ("stream", "rung") and not words:
        words = ("main", "lores") if action.dest == "stream" else _WORDS["RUNG"]
    if words:
        return f"kind=words words='{' '.join(map(str, words))}'"
    return "kind=cameras" if action.dest == "camera" else f"kind={_KINDS.get(metavar, 'free')}"


def _quoted(text: str) -> str:
    return f"'{text}'"


if __name__ == "__main__":
    sys.stdout.write(script())
