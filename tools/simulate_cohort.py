"""What a cohort takes: computed from measured rates, and driven on a local cluster until the scheduler is the limit.

Synthetic people are tasks like those of `har classify` (a hash, a look, parts, one that puts them together) that sleep
instead of computing, so that two processes stand for as many workers as they have threads. Their number is doubled
until the tasks that come back a second fall behind: that is the rate of scheduler and client, each a process of its
own. With tasks of no work (--task-s 0) they are the limit at once. CPU milliseconds a task of either say what a whole
core of its own would manage, on a busy machine too.

    tools/simulate_cohort.py [--people 100000] [--days 365] [--cpu-s-per-day 4] [--seconds 8] [--task-s 0]
"""

import argparse
import json
import math
import sys
import time
from typing import Any, Final

from edgehar.pipeline.bulk.cluster import DaskCluster

PART_DAYS: Final = 4e6 / 8.64e6
"""Days of a part, at 100 Hz."""
_START_S: Final = 120
_AHEAD: Final = 1000
"""Tasks of no work in a round: so many that nobody waits for a message."""
TASKS_A_FILE: Final = 3
BYTES_A_WINDOW: Final = 6
"""Of labels, in Parquet; `har classify` measures it."""


def on_paper(options: argparse.Namespace, tasks_per_s: float | None) -> dict[str, float]:
    """Return what the whole cohort takes."""
    person_days = options.people * options.days
    files = person_days / options.days_a_file
    tasks = files * (TASKS_A_FILE + options.days_a_file / PART_DAYS)
    core_hours = person_days * options.cpu_s_per_day / 3600
    task_s = core_hours * 3600 / tasks
    lost = options.failures_per_core_day * core_hours / 24
    found = {
        "person_days": person_days,
        "raw_tb": person_days * 8.64e6 * 12 / 1e12,
        "labels_tb": person_days * 86_400 * BYTES_A_WINDOW / 1e12,
        "files": files,
        "tasks": tasks,
        "cpu_s_a_task": task_s,
        "core_hours": core_hours,
        "cost": core_hours * options.price_per_core_hour,
        "workers_lost": lost,
        "core_hours_repeated": lost * task_s * (1 + options.days_a_file / PART_DAYS / 2) / 3600,
        "read_mb_s_a_core": 8.64e6 * 12 / options.cpu_s_per_day / 1e6,
    }
    if tasks_per_s:
        found |= {
            "tasks_per_s_of_one_scheduler": tasks_per_s,
            "cores_of_one_scheduler": tasks_per_s * task_s,
            "hours_with_one_scheduler": tasks / tasks_per_s / 3600,
        }
    return found


def drive(threads: int, task_s: float, seconds: float) -> dict[str, float]:
    """Return the tasks that come back a second from so many workers, and what they cost scheduler and client."""
    from distributed import Client
    from distributed.deploy.subprocess import SubprocessCluster

    with (
        SubprocessCluster(n_workers=2, threads_per_worker=max(1, threads // 2), silence_logs=50) as local,
        Client(local, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=_START_S)
        cluster = DaskCluster(client, "the local cluster")
        for _ in range(submit_person(cluster, -1, 0.0)):
            cluster.wait()
        person = done = waiting = 0
        scheduler_s, client_s = client.run_on_scheduler(time.process_time), time.process_time()
        began_s = time.perf_counter()
        while (passed_s := time.perf_counter() - began_s) < seconds or (waiting and not task_s):
            # Tasks of no work come in rounds: what was begun has ended when it is counted.
            ahead = 3 * threads if task_s else _AHEAD * (waiting == 0)
            while waiting < ahead:
                waiting += submit_person(cluster, person, task_s)
                person += 1
            cluster.wait()
            done, waiting = done + 1, waiting - 1
        client_s = time.process_time() - client_s
        scheduler_s = client.run_on_scheduler(time.process_time) - scheduler_s
    return {
        "workers": threads,
        "tasks_per_s": done / passed_s,
        "wanted_per_s": threads / task_s if task_s else math.inf,
        "scheduler_share_of_a_core": scheduler_s / passed_s,
        "client_share_of_a_core": client_s / passed_s,
        "scheduler_cpu_ms_a_task": 1e3 * scheduler_s / max(1, done),
        "client_cpu_ms_a_task": 1e3 * client_s / max(1, done),
    }


def submit_person(cluster: Any, person: int, task_s: float, parts: int = 15) -> int:
    """Begin the tasks of a week of a person; return how many."""
    cluster.submit(f"hash-{person}", sleep, task_s, fetch=False)
    found = [cluster.submit(f"part-{person}-{number}", sleep, task_s, fetch=False) for number in range(parts)]
    cluster.submit(f"finish-{person}", sleep, task_s, *found)
    return parts + 2


def sleep(task_s: float, *needed: Any) -> bytes:
    """Stand for a task."""
    time.sleep(task_s)
    return b"labels"


def main() -> int:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=365)
    parser.add_argument("--days-a-file", type=float, default=7)
    parser.add_argument("--cpu-s-per-day", type=float, default=4.0, help="what tools/compare_bulk.py measures")
    parser.add_argument("--price-per-core-hour", type=float, default=0.04)
    parser.add_argument("--failures-per-core-day", type=float, default=0.01)
    parser.add_argument("--task-s", type=float, default=0.1, help="how long a synthetic task sleeps")
    parser.add_argument("--most", type=int, default=256, help="most synthetic workers")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each step; 0 only computes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    limit, threads = None, 4
    steps = []
    while options.seconds and threads <= options.most:
        step = drive(threads, options.task_s, options.seconds)
        steps.append(step)
        if not options.json:
            print(json.dumps({name: round(value, 3) for name, value in step.items()}), flush=True)
        dearer = max(("scheduler", "client"), key=lambda who: step[f"{who}_cpu_ms_a_task"])
        # What a core gives: on a busy machine either gets less of one.
        limit = 1e3 / step[f"{dearer}_cpu_ms_a_task"]
        if step["tasks_per_s"] < 0.7 * step["wanted_per_s"]:
            if not options.json:
                print(f"the limit, at {threads} workers: {step['tasks_per_s']:.0f} tasks/s; the {dearer} is dearer: "
                      f"{limit:.0f} tasks/s with a core of its own")  # fmt: skip
            break
        threads *= 2
    found = on_paper(options, limit)
    if options.json:
        print(json.dumps({"steps": steps, **found}))
    else:
        for name, value in found.items():
            print(f"{name}: {value:,.4g}" if value < 100 else f"{name}: {value:,.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
