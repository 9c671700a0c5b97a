#!/bin/sh
# The first process of a machine for a test, in fresh mount, PID, UTS, IPC, network and cgroup namespaces. It gives the machine a
# throw-away layer over the root file system, and then becomes systemd with nothing but the units in FOLDER/units.
set -eu
folder=$1 repo=$2 node=$3 socket=$4

read -r pid _ </proc/self/stat
echo "$pid" >"$folder/init.pid"
hostname ovr-systemd
ip link set lo up
ip address add 10.99.0.2/32 dev lo # an address of the machine that is not loopback

work=$folder/mnt
mkdir -p "$work"
mount -t tmpfs -o mode=755 ovr-systemd "$work"
mkdir "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" ovr-systemd "$root"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 ovr-systemd "$root/run"
mount -t tmpfs -o mode=1777 ovr-systemd "$root/tmp"

# The project and its Node, where ProtectHome= does not hide them, and Docker's socket where it is on every host.
mkdir -p "$root/opt/ovr" "$root/etc/ovr.d" "$root/etc/ovr" "$root/etc/sysusers.d"
touch "$root/root/private"
mount --bind "$repo" "$root/opt/ovr"
touch "$root/opt/node" "$root/run/docker.sock"
mount --bind "$node" "$root/opt/node"
mount --bind "$socket" "$root/run/docker.sock"
mkdir -m 1777 "$root/opt/compiled" # each program is compiled once
for program in ovrd ovr; do
  printf '#!/bin/sh\nexport NODE_COMPILE_CACHE=/opt/compiled\nexec /opt/node /opt/ovr/cmd/%s/main.ts "$@"\n' \
    "$program" >"$root/usr/local/bin/$program"
  chmod 755 "$root/usr/local/bin/$program"
done

rm -rf "$root/etc/systemd/system"
cp -r "$folder/units" "$root/etc/systemd/system"
cp "$repo/deploy/systemd/ovr.sysusers.conf" "$root/etc/sysusers.d/ovr.conf"
mkdir -p "$root$folder/shared" "$root/mnt/old"
mount --bind "$folder/shared" "$root$folder/shared"

cd "$root"
pivot_root . mnt/old
umount -l /mnt/old
systemd-sysusers
exec env -i container=ovr-systemd PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin /lib/systemd/systemd \
  --system --unit=ovr-test.target --log-target=console --show-status=no </dev/null
