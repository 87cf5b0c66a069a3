#!/bin/sh
# Becomes a small Debian of its own, in new namespaces: this machine's programs to read, everything else fresh, and
# systemd as its first process. $1: its control group, a folder. $2: its host name. $3: its DNS server. $4: the file
# to put into root's home.
set -eu

if [ "$1" != "" ]; then
  mkdir "$1"
  echo 0 >"$1/cgroup.procs"
  exec unshare --cgroup sh "$0" "" "$2" "$3" "$4"
fi

root=/mnt
mount -t tmpfs -o mode=755 vps "$root"
cd "$root"
mkdir etc root var tmp run dev proc sys usr old
chmod 700 root
chmod 1777 tmp
cp -a /bin /sbin /lib* .
cp "$4" root/fmsg

mount --bind /usr usr
mount -o remount,bind,ro usr
# A machine that never heard of what the program is made with.
for name in deno node nodejs npm npx; do
  if [ -e "usr/bin/$name" ]; then mount --bind /dev/null "usr/bin/$name"; fi
done
for folder in local lib/node_modules share/nodejs; do
  if [ -d "usr/$folder" ]; then mount -t tmpfs -o mode=755 vps "usr/$folder"; fi
done
mkdir -p usr/local/bin usr/local/sbin

mkdir -p etc/systemd/system etc/ssl/certs var/lib var/cache var/log/journal
ln -s /run var/run
cp -a /etc/alternatives /etc/nsswitch.conf /etc/debian_version etc/
ln -s ../usr/lib/os-release etc/os-release
cat >etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
PASSWD
cat >etc/group <<'GROUP'
root:x:0:
tty:x:5:
systemd-journal:x:999:
nogroup:x:65534:
GROUP
printf '%s\n' "$2" >etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 %s\n' "$2" >etc/hosts
printf 'nameserver %s\n' "$3" >etc/resolv.conf
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
printf "PS1='root@%s:~# '\n" "$2" >root/.bashrc
# Servers may do without, and whether it is there must not depend on this machine.
for unit in systemd-logind.service dbus.service dbus.socket; do
  ln -s /dev/null "etc/systemd/system/$unit"
done

mount -t tmpfs -o mode=755 vps dev
for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 vps dev/shm
mount -t tmpfs -o mode=755 vps run
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 vps sys/fs/cgroup
mount -t cgroup2 none sys/fs/cgroup

hostname "$2"
ip link set lo up
pivot_root . old
umount -l /old
rmdir /old
exec env -i container=stage PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --unit=multi-user.target
