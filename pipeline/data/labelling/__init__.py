"""Mark on a signal what was done when, on a local page, with the keyboard alone.

::

    session    the recordings, their labels, and the file they are kept in; two tabs never overwrite each other
    server     what the page asks for, over HTTP on this machine alone
    static/    the page
"""
