#!/bin/busybox sh
# PID 1 of the test guest: loads drivers, tells on ttyS0 what it found, starts the agent, minds the power button.
#
# Lines that tests wait for, on ttyS0 (and tty0):
#   GUEST DISK sda 8388608 BOOTS 3   each fixed disk, its bytes, and how often this guest has seen it
#   GUEST NET eth0 10.0.2.15         a lease
#   GUEST READY                      disks counted; the agent runs if the machine has its port
#   GUEST BYE poweroff               sync done, power goes (poweroff, reboot, halt)
# A disk is written only when its first sector is zero or ours: count and name lie in that sector as text.

/bin/busybox mkdir -p /proc /sys /dev /run /tmp /var/run /usr/bin /usr/sbin /sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
hostname vmsdk-guest
ifconfig lo 127.0.0.1 up

tell() { echo "GUEST $*" >/dev/console; [ -c /dev/tty0 ] && echo "GUEST $*" >/dev/tty0; }

for module in $(cat /lib/modules/order); do insmod "/lib/modules/$module.ko"; done 2>/dev/null

count_disk() {
    disk=$1
    head=$(dd if="/dev/$disk" bs=512 count=1 2>/dev/null | tr -d '\0' | head -n 1)
    boots=0
    case $head in
        "vmsdk test guest "*) boots=${head##* } ;;
        "") ;;
        *) tell "DISK $disk $(($(cat "/sys/block/$disk/size") * 512)) FOREIGN"; return ;;
    esac
    boots=$((boots + 1))
    if [ "$(cat "/sys/block/$disk/ro")" = 0 ]; then
        printf 'vmsdk test guest %d\n' "$boots" | dd of="/dev/$disk" bs=512 count=1 conv=sync,fsync 2>/dev/null
    fi
    tell "DISK $disk $(($(cat "/sys/block/$disk/size") * 512)) BOOTS $boots"
}

# What comes later (a hot-added disk or card, the agent's port) is found by looking once a second.
look() {
    for path in /sys/block/sd* /sys/block/vd* /sys/block/nvme*; do
        disk=${path##*/}
        if [ -b "/dev/$disk" ] && [ ! -e "/run/disk-$disk" ]; then
            : >"/run/disk-$disk"
            count_disk "$disk"
        fi
    done
    for path in /run/disk-*; do
        [ -e "/sys/block/${path##*/disk-}" ] || rm -f "$path"
    done
    for path in /sys/class/net/eth*; do
        card=${path##*/}
        if [ -e "$path" ] && [ ! -e "/run/net-$card" ]; then
            : >"/run/net-$card"
            ifconfig "$card" up
            udhcpc -b -S -i "$card" -s /etc/udhcpc.script -x hostname:vmsdk-guest >/dev/null 2>&1 &
        fi
    done
    for path in /run/net-*; do
        [ -e "/sys/class/net/${path##*/net-}" ] || rm -f "$path"
    done
    for path in /sys/class/virtio-ports/*; do
        if [ "$(cat "$path/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] && ! pidof qemu-ga >/dev/null; then
            qemu-ga -d -m virtio-serial -p "/dev/${path##*/}" -f /run/qemu-ga.pid -t /run
        fi
    done
}

# Buses are still being scanned when the drivers' insmod has returned: wait until nothing new shows for half a second.
before=none
for _ in 1 2 3 4 5 6; do
    now=$(ls /sys/block /sys/class/virtio-ports 2>/dev/null)
    [ "$now" = "$before" ] && break
    before=$now
    usleep 500000
done
look
acpid -l /dev/null 2>/dev/null
tell READY

# A shell on each terminal. The redirection inside the new session is what makes it the controlling terminal.
for terminal in ttyS0 tty1; do
    [ -c "/dev/$terminal" ] || continue
    while :; do setsid sh -c "exec sh </dev/$terminal >/dev/$terminal 2>&1"; sleep 1; done &
done
while :; do
    sleep 1
    look
done
