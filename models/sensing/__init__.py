"""What names and numbers tell of a sensor: which columns are its axes, and which unit gravity says they are in.

Files and live lines are understood by the same rules. No I/O, no state.
"""
