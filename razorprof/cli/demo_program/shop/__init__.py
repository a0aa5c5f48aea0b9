"""A small shop that works all day: the sample program of ``razorprof demo``.

What there is to find in it: a hot function with a known share (pricing), cyclic garbage and its collection
(catalogue), a cache that grows and is dropped (sessions), a lock that two threads want (ledger), traffic on a
loopback socket and a file (mail), a thread that only waits, and a day that changes every half minute (day).
"""
