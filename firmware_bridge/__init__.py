"""From a wire to a label: serial ports, virtual sensors, live classification, benchmarks.

NumPy, pyserial and one engine.
"""
