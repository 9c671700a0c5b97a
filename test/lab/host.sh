#!/bin/sh
# The first process of a lab host. Runs in fresh mount, UTS, IPC and PID namespaces and in the host's network namespace.
# It gives the host a root file system of its own (a throw-away layer over LOWER), so nothing a daemon writes reaches the
# machine, and then becomes init.pl, which stays: when it is killed, the kernel ends every process and every mount of the host.
set -eu
folder=$1 name=$2 lower=$3 hosts=$4 ip=$5

# /proc is still the machine's, so this is the process id that the machine knows us by.
read -r pid _ </proc/self/stat
echo "$pid" >"$folder/init.pid"
hostname "$name"

init=$(cat "$(dirname "$0")/init.pl")
work=$folder/mnt
mkdir -p "$work"
mount -t tmpfs -o mode=755 ovr-lab "$work"
mkdir "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" ovr-lab "$root"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount --bind /tmp "$root/tmp"
mount -t tmpfs -o mode=755 ovr-lab "$root/run"
mkdir -p "$root$folder" "$root/var/lib/docker" "$root/etc/docker"
mount --bind "$folder" "$root$folder"
mount -t tmpfs -o mode=711 ovr-lab "$root/var/lib/docker"
mount -t tmpfs -o mode=755 ovr-lab "$root/etc/docker"

rm -f "$root/etc/resolv.conf"
echo "nameserver $ip" >"$root/etc/resolv.conf"
cp "$hosts" "$root/etc/hosts"
echo "$name" >"$root/etc/hostname"

mkdir -p "$root/mnt/old"
cd "$root"
pivot_root . mnt/old
umount -l /mnt/old
rmdir /mnt/old

exec perl -e "$init" "$ip" </dev/null
