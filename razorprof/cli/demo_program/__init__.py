"""Where the sample program of ``razorprof demo`` lies: the package `shop`, run with this folder on its path.

Nothing imports it from here. It is a program of its own, standard library only, for Python 3.8 and newer, so
that tests can run it on every Python that razorprof looks into.
"""
