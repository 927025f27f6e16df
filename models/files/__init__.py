"""Write files and folders so that nobody ever finds half of one, two writers never mix, and a power cut loses neither.

A writer takes the lock of its target, writes a temporary neighbour, flushes it to the disk, and puts it in the target's
place in one step. Where the system cannot exchange two folders in one step, the old one waits under a known name
meanwhile, where readers look for it (`settled`). What a killed writer left is removed by the next one.

::

    NAME                     what readers open
    .NAME.lock               the lock; only its holder touches the names below
    .NAME.writing-XXXXXXXX   the new one while it is written, or the old one while it is removed
    .NAME.previous           the old one while NAME is missing
"""

from edgehar.models.files.writing import alone, atomic_folder, atomic_path, settled

__all__ = ["alone", "atomic_folder", "atomic_path", "settled"]
