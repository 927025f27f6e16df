"""Recordings as the world writes them: right, or asked, never silently wrong; in bounded memory.

Each link of the chain is a room of its own::

    sources      files, folders, .gz and .zip as named streams
    text         bytes to whole lines of UTF-8
    rewriting    rows that are written otherwise: labelled_lines, json_lines, listed_cells, quoted_decimals
    preamble     what stands before the table: metadata, names, units; the delimiter;  header_lines;  cells
    profiles     what an app, a device or a data set means by its files
    columns      which column is what;  acceleration_columns, unnamed_columns;  sensor_rows: which rows
    devices_in_turn  which of several devices a row is of
    parser       rows to numbers, in chunks;  rows: where they are kept;  last_line: whether a file was cut
    sessions     where a recording ends and the next begins
    clock        the rate, the gaps, the time of every sample;  epochs, subseconds: times that are not s, ms, us or ns
    steadiness   whether the rate is one rate;  row_sequence: whether rows are of one sensor
    evidence     the unit, and what the values say against it
    label_columns  which column is the activity;  row_labels: the activities of the rows
    intervals    tables that say what was done when;  label_events: beginnings and ends;  annotations: of other tools
    labels       names of files, and whose the intervals are
    table        all of these for one file
    documents    JSON and CBOR;  json_rows: tables in JSON;  axis_windows   one file per axis
    collection   all files of a folder
    belonging    whether a file without a recording is a broken one, or something else
    outcome      what was read, passed over and put aside, as a data set that says so
"""
