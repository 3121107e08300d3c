#!/usr/bin/env python3
"""A slow, lossy wire between two network namespaces, for tests.

    relay.py NAME_A NAME_B DELAY_MS LOSS SEED

Makes two TUN interfaces, prints "ready", and carries IP packets from one to the other: each arrives
DELAY_MS later, each is lost with probability LOSS. Whoever starts it moves the interfaces into their
namespaces; the files stay open here. Ends when standard input is closed.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
# More than a second of a fast line: a wire with a queue that never fills would hide congestion.
MOST_WAITING = 20_000


def tun(name):
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return file


def main():
    name_a, name_b, delay_ms, loss, seed = sys.argv[1:]
    delay, loss, dice = float(delay_ms) / 1000, float(loss), random.Random(int(seed))
    ends = [tun(name_a), tun(name_b)]
    print("ready", flush=True)
    waiting, carried, lost, order = [], 0, 0, 0
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 1.0
        readable, _, _ = select.select([*ends, sys.stdin], [], [], timeout)
        if sys.stdin in readable and not sys.stdin.buffer.raw.read(1):
            print(f"carried {carried} lost {lost}", flush=True)
            return
        now = time.monotonic()
        for side, end in enumerate(ends):
            if end not in readable:
                continue
            for _ in range(256):
                try:
                    packet = os.read(end, 65536)
                except OSError:
                    # Nothing more now, or the interface is not up yet.
                    break
                if dice.random() < loss or len(waiting) >= MOST_WAITING:
                    lost += 1
                    continue
                order += 1
                heapq.heappush(waiting, (now + delay, order, 1 - side, packet))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, side, packet = heapq.heappop(waiting)
            try:
                os.write(ends[side], packet)
                carried += 1
            except OSError:
                lost += 1


if __name__ == "__main__":
    main()
