#!/usr/bin/env python3
"""Sends the stream of a Swabian Time Tagger to helio, as raw 16-byte tags over TCP.

    helio watch --listen 127.0.0.1:7100 &
    python3 send_swabian.py --channels 1 2          # a Time Tagger, through Swabian's TimeTagger module
    python3 send_swabian.py --simulate --seconds 5  # without hardware: two channels of random counts

A tag is type (1 byte), reserved (1), missed events (2), channel (4, signed), time in ps (8, signed), all
little-endian: struct Tag of Swabian's Time Tagger API. Types: 0 a tag, 1 an error of the clock, 2 begin
and 3 end of an overflow, 4 missed events. Nothing is answered; when helio takes less than comes, sending
waits, and the Time Tagger tells what it loses as an overflow.

Needs Python 3.8 or later; numpy and TimeTagger only with hardware.
"""
import argparse
import random
import socket
import struct
import sys
import time

TAG = struct.Struct("<BBHiq")


def simulated(arguments):
    """Blocks of random counts: each channel has its own rate, Poissonian."""
    chance = random.Random(arguments.seed)
    rates = {channel: arguments.rate / (place + 1) for place, channel in enumerate(arguments.channels)}
    following = {channel: chance.expovariate(rate) for channel, rate in rates.items()}
    begun, reached, block_s = time.monotonic(), 0.0, 0.05
    while arguments.seconds is None or reached < arguments.seconds:
        reached += block_s
        tags = []
        for channel, rate in rates.items():
            while following[channel] < reached:
                tags.append((round(following[channel] * 1e12), channel))
                following[channel] += chance.expovariate(rate)
        tags.sort()
        yield b"".join(TAG.pack(0, 0, 0, channel, at) for at, channel in tags)
        if not arguments.fast:
            time.sleep(max(0.0, begun + reached - time.monotonic()))


def recorded(arguments):
    """Blocks of a Time Tagger's stream."""
    import numpy
    import TimeTagger

    layout = numpy.dtype(
        [("type", "u1"), ("reserved", "u1"), ("missed", "<u2"), ("channel", "<i4"), ("time", "<i8")]
    )
    tagger = TimeTagger.createTimeTagger(arguments.serial or "")
    try:
        stream = TimeTagger.TimeTagStream(tagger, n_max_events=1_000_000, channels=arguments.channels)
        stream.start()
        begun = time.monotonic()
        while arguments.seconds is None or time.monotonic() < begun + arguments.seconds:
            block = stream.getData()
            if block.size == 0:
                time.sleep(0.01)
                continue
            tags = numpy.zeros(block.size, layout)
            tags["type"] = block.getEventTypes()
            tags["missed"] = block.getMissedEvents()
            tags["channel"] = block.getChannels()
            tags["time"] = block.getTimestamps()
            yield tags.tobytes()
    finally:
        TimeTagger.freeTimeTagger(tagger)


def main():
    parser = argparse.ArgumentParser(description="Send a Swabian Time Tagger's stream to helio.")
    parser.add_argument("--to", default="127.0.0.1:7100", help="HOST:PORT at which helio listens")
    parser.add_argument("--channels", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--serial", help="serial number of the Time Tagger; the first one found if not given")
    parser.add_argument("--seconds", type=float, help="stop after so long; until interrupted if not given")
    parser.add_argument("--simulate", action="store_true", help="random counts instead of a Time Tagger")
    parser.add_argument("--rate", type=float, default=20_000.0, help="simulated counts a second, first channel")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated counts")
    parser.add_argument("--fast", action="store_true", help="do not hold simulated counts back to their time")
    arguments = parser.parse_args()
    host, _, port = arguments.to.rpartition(":")
    blocks = simulated(arguments) if arguments.simulate else recorded(arguments)
    sent = 0
    try:
        with socket.create_connection((host, int(port)), timeout=10) as helio:
            helio.settimeout(None)
            for block in blocks:
                helio.sendall(block)
                sent += len(block) // TAG.size
    except ImportError as missing:
        sys.exit(f"send_swabian: {missing}; install Swabian's software, or try --simulate")
    except OSError as fault:
        sys.exit(f"send_swabian: {arguments.to}: {fault}; start helio watch --listen {arguments.to} first")
    except KeyboardInterrupt:
        pass
    print(f"send_swabian: {sent} tags sent", file=sys.stderr)


if __name__ == "__main__":
    main()
