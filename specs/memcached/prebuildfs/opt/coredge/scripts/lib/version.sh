#!/bin/bash
# Versions such as 1.6.21.

# version_part VERSION N: its Nth number, from 1.
version_part() { cut -d . -f "$2" <<<"$1"; }

# is_version_at_least VERSION WANTED
is_version_at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]; }
