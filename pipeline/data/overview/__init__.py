"""A data set as a page to look at, on which a wrong unit, a swapped axis or a lost sample is seen.

::

    measuring    what the samples say: where gravity points, how large they get, how fast they came; block by block
    stretches    pieces of signal to draw
    sections     the parts of the page
    page         all of them as one HTML file
"""
