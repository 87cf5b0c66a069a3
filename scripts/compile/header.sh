#!/bin/sh
# fmsg @VERSION@, a program for Linux on @ARCH@. Behind these lines stands a tar.gz of a runtime and
# the program. It is unpacked once, into a cache of the user who starts it, and run from there.
{ # Read to the end before anything is done: half a file does nothing.

hash=@HASH@
files="@FILES@"
size=@SIZE@

fail() {
  printf 'fmsg: %s\n' "$1" >&2
  exit 1
}

# Whether all of these exist and nobody but root and the one who runs this may write to them or, but
# for folders like /tmp in which everybody has things of their own, into them. $bytes: of the files.
trusted() {
  bytes=0
  listing=$(ls -ldn -- "$@" 2>/dev/null) || return 1
  while read -r mode _ uid _ length _ _ _ path; do
    case $mode in
      d????????[tT]* | [d-]????-??-*) ;;
      *) return 1 ;;
    esac
    [ "$uid" = 0 ] || [ -O "$path" ] || return 1
    case $mode in -*) bytes=$((bytes + length)) ;; esac
  done <<LISTING
$listing
LISTING
}

# Whether the folder $1 and everything above it is trusted and, with more arguments, these in it.
trusted_below() {
  below=$1
  shift
  count=$#
  for name; do set -- "$@" "$below/$name"; done
  shift "$count"
  set -- "${below:-/}" "$@"
  while [ -n "$below" ]; do
    below=${below%/*}
    set -- "${below:-/}" "$@"
  done
  trusted "$@"
}

# Leaves in $entry where the program is, if the cache $1 may be used.
use() {
  case $1 in /*) there=$1/program ;; *) return 1 ;; esac
  missing=
  until [ -d "$there" ]; do
    missing=/${there##*/}$missing
    there=${there%/*}
    there=${there:-/}
  done
  there=$(cd -P -- "$there" 2>/dev/null && pwd -P) || return 1
  there=${there%/}
  folder=$there$missing
  entry=$folder/$hash
  # shellcheck disable=SC2086 # These names have no spaces.
  if [ -z "$missing" ] && trusted_below "$folder" "$hash" $paths && [ "$bytes" = "$size" ]; then
    return
  fi
  trusted_below "$there" || return 1
  mkdir -p -- "$folder" 2>/dev/null && [ -w "$folder" ] || return 1
  unpack
}

payload() {
  dd if="$program" bs=@HEADER@ skip=1 2>/dev/null
}

unpack() {
  if [ -t 2 ]; then echo "fmsg: unpacking itself into $folder, once" >&2; fi
  temporary=$(mktemp -d "$folder/.new.$$.XXXXXX" 2>/dev/null) || no_room
  trap 'rm -rf "$temporary"' EXIT
  trap 'exit 1' HUP INT TERM
  if ! payload | tar -xzf - -C "$temporary" 2>/dev/null; then
    payload | gzip -t 2>/dev/null || fail "$program is damaged or incomplete: get it again"
    no_room
  fi
  said=$("$temporary/fmsg" --version 2>&1) || fail \
    "it does not start from $folder (${said##*: }): it needs Linux on @ARCH@ with glibc, and a folder from which programs may run, which XDG_CACHE_HOME can name"
  # A power failure must not leave a file that is there and empty.
  sync "$temporary"/* 2>/dev/null || sync
  mkdir -p -- "$entry" 2>/dev/null || no_room
  # Two may do this at once: whoever is last replaces what is there by the same.
  for file in $files; do
    mv -f -- "$temporary/$file" "$entry/$file" 2>/dev/null || no_room
  done
  sweep
}

no_room() {
  fail "cannot write the $((size / 1000000)) MB of the program to $folder: make room there, or name another folder in XDG_CACHE_HOME"
}

# Removes what earlier versions left, from which a host may still run, and what those left who were killed.
sweep() {
  for old in "$folder"/*; do
    if [ "$old" != "$entry" ] && [ "$program" -nt "$old" ] && ! runs "$old"; then rm -rf "$old"; fi
  done
  for old in "$folder"/.new.*; do
    unpacker=${old##*/.new.}
    kill -0 "${unpacker%%.*}" 2>/dev/null || rm -rf "$old"
  done
}

runs() {
  for exe in /proc/[0-9]*/exe; do
    if [ "$exe" -ef "$1/fmsg" ]; then return; fi
  done
  return 1
}

# In a process of its own, so that nothing of this is left when the program runs.
find_entry() (
  PATH=/bin:/usr/bin:$PATH
  LC_ALL=C
  export PATH LC_ALL
  unset TAR_OPTIONS GZIP POSIXLY_CORRECT
  umask 077
  paths=
  for file in $files; do paths="$paths $hash/$file"; done
  use "${CACHE_DIRECTORY%%:*}" || use "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/fmsg}" ||
    use "${HOME:+$HOME/.cache/fmsg}" || use "${TMPDIR:-/tmp}/fmsg-$(id -u)" ||
    fail "found no folder to unpack into: name one in XDG_CACHE_HOME that is yours, and only yours to write to"
  printf '%s\n' "$entry"
)

case $0 in
  /*) program=$0 ;;
  *) program=$PWD/${0#./} ;;
esac
entry=$(find_entry) || exit
# The program tells others to start this file, and not the runtime.
FMSG_PROGRAM=$program
# Of the runtime: what it compiled is kept beside it, and it looks at nothing that lies around here.
DENO_DIR=$entry/cache
DENO_NO_UPDATE_CHECK=1
DENO_NO_PACKAGE_JSON=1
export FMSG_PROGRAM DENO_DIR DENO_NO_UPDATE_CHECK DENO_NO_PACKAGE_JSON
exec "$entry/fmsg" run @FLAGS@ "$entry/@MAIN@" "$@"
}
