"""Measure every engine with every artifact, side by side, in one run; one schema from desktop to microcontroller.

::

    candidates.py       what can be measured: two protocols, the candidate and its worker
    plan.py             the candidates of a bundle, the windows they get, and the oracle's outputs
    worker.py           the program of a worker process: loads one engine, times it when told to
    worker_process.py   the parent's end of a worker process
    on_device.py        a device on a line as a candidate
    candidate_run.py    the run of one candidate: what was measured of it so far
    rounds.py           measures all candidates in rounds, so that a machine that slows down slows down for all
    results.py          one row for each candidate, and the JSON of all
    machine.py          the machine that was measured on
    table.py            the rows on a terminal
    page.py             the rows as a page with charts

Nothing is imported here: a worker process loads what its engine needs and no more, or its memory would not be its own.
"""
