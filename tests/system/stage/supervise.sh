#!/bin/sh
# Holds the stage until its standard input ends, however the test comes to its end. Started in a mount namespace of
# its own, so that nothing of it is left when the last process goes; only control groups have to be removed.
# $1: the control group's name.
set -eu

mount -t tmpfs -o mode=755 stage /mnt
mkdir /mnt/cgroup
mount -t cgroup2 none /mnt/cgroup
group=/mnt/cgroup/$1
mkdir "$group"
# What is left of a run that was killed together with its supervisor goes too.
trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT

# The first process of a PID namespace takes all others with it.
unshare --net --pid --mount-proc --uts --ipc --fork --kill-child sh -euc '
  hostname internet
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
  ip link set lo up
  echo ready
  exec cat
'
