"""Archives of recordings, classified on every core of a machine or a cluster, in memory that does not grow with them.

In the order data flow::

    inputs.py           what paths, patterns and addresses name, here or in an object store; content hashes
    parquet_samples.py  samples in Parquet: looked at once, then read in parts by any worker
    stretches.py        what lies between two gaps: rows, bridged holes, times; read piece by piece
    posteriors.py       windows of a part, classified in batches, with what is doubtful about them
    wear.py             when the sensor was not worn
    decoding.py         posteriors of a whole stretch to labels, as `har live` decodes a stream
    labels_table.py     labels as Parquet, with the record of their file in its footer
    days.py             minutes per person, day and activity
    archive.py          the output folder: whole files only, a journal of what is done, what was put aside
    tasks.py            what workers do
    cluster.py          Dask: a cluster of this machine, or one at an address
    classification.py   the run: what is left to do, in which order, and what it ends with

Dask, pyarrow and fsspec are imported when a run begins; nothing of the edge path comes here.
"""
