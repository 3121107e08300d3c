"""Writes the HDF5 files beside it: pip install h5py numpy; python make.py"""

import h5py
import numpy as np

n = 1000
i = np.arange(n, dtype="<i8")
times = 1000 * i * i + 7 * i
channels = (i % 4 + 1).astype("<i4")
channels[::50] = -2  # a falling edge of input 2

packed = {"chunks": (300,), "compression": "gzip", "shuffle": True}

with h5py.File("gzip.h5", "w") as f:
    f.create_dataset("timestamps", data=times, **packed)
    f.create_dataset("channels", data=channels, **packed)

with h5py.File("latest.h5", "w", libver="latest") as f:
    for name, data in (("Time (ps)", times), ("Channel", channels)):
        f.create_dataset("tags/" + name, data=data, maxshape=(None,), fletcher32=True, **packed)

with h5py.File("plain.h5", "w") as f:
    f.create_dataset("a/other", data=channels)
    f.create_dataset("b/time_ns", data=times.astype(">u8"))
    f.create_dataset("b/ch", data=channels.astype("i1"))

with h5py.File("odd.h5", "w") as f:
    f["alone/time"] = times[:3]
    f["float/time"] = times[:3] / 2
    f["flat/time"] = times[:4].reshape(2, 2)
    f["uneven/time"] = times[:3]
    f["uneven/ch"] = channels[:2]
    f["negative/time"] = -times[:3]
    f["beyond/time"] = np.array([1, 2**63], dtype="<u8")
    f["channel/time"] = times[:2]
    f["channel/ch"] = np.array([1, 1000])
    f["back/time"] = times[:5][::-1].copy()
    f.create_dataset("huge/time", shape=(2**50,), dtype="<i8", chunks=(1024,))
    f.create_dataset("other/time", data=times, chunks=(300,), compression="lzf")
