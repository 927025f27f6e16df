"""Measure every engine with every artifact, side by side, in one run; one schema from desktop to microcontroller.

::

    contestants.py   who can be measured: two protocols, the contestant and its worker
    contest.py       every engine with every artifact of a bundle, and what the oracle makes of the windows
    worker.py        the program of a worker process: loads one engine, times it when told to
    process.py       the parent's end of a worker process
    lane.py          one contestant's way through the benchmark
    turns.py         gives every contestant short turns, in rounds, so that a drifting machine drifts for all of them
    rows.py          what came out: one row for each contestant, and its JSON
    machine.py       what it was measured on
    table.py         the rows on a terminal
    page.py          the rows as a page with pictures

Nothing is imported here: a worker process loads what its engine needs and no more, or its memory would not be its own.
"""
