#!/bin/bash
# Changes in text files.

# replace_in_file FILE PATTERN TEXT: an extended regular expression and what takes its place. The file is written anew
# through its own name, so that a mounted file can be changed too.
replace_in_file() {
  local changed
  changed=$(sed -E "s$(printf '\1')$2$(printf '\1')$3$(printf '\1')g" "$1")
  printf '%s\n' "$changed" >"$1"
}

# set_in_file FILE KEY VALUE: sets `KEY: VALUE`, in its line if there is one, else in a new one.
set_in_file() {
  if grep -q "^$2:" "$1" 2>/dev/null; then
    replace_in_file "$1" "^$2:.*" "$2: $3"
  else
    printf '%s: %s\n' "$2" "$3" >>"$1"
  fi
}
