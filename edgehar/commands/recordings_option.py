"""The option `--data`, given once or several times."""

from edgehar.commands.data import PATH_HELP
from edgehar.commands.progress import progress_bar
from edgehar.pipeline.data.mixing import mix
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset

DATA_HELP = f"{PATH_HELP} Give it several times to mix data sets; people stay apart."


def read_recordings(paths: list[str]) -> Dataset:
    """Read one data set, or mix several, with a progress bar for those who wait.

    Raises
    ------
    DataError, UsageError
        If one of them cannot be read, or there is none.
    """
    found = []
    for path in paths:
        with progress_bar("reading") as advance:
            found.append(load_dataset(path, progress=advance))
    return mix(found)
