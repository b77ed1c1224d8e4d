#!/bin/bash
# Files and folders.

# ensure_dir FOLDER: makes it and its parents unless it is there.
ensure_dir() { [[ -d $1 ]] || mkdir -p "$1"; }

# owned_by PATH USER [GROUP]: changes the owner of everything below.
owned_by() { chown -R "$2${3:+:$3}" "$1"; }

# group_writable PATH: the group may do what the owner may, with everything below.
group_writable() { chmod -R g=u "$1"; }

# is_dir_empty FOLDER: true also if there is none.
is_dir_empty() { [[ ! -d $1 || -z $(find "$1" -mindepth 1 -maxdepth 1 -print -quit) ]]; }

# is_mounted_dir FOLDER: true if something is mounted on it.
is_mounted_dir() { awk -v path="$1" '$5 == path { found = 1 } END { exit !found }' /proc/self/mountinfo; }
