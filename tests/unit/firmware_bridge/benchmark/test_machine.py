"""The machine is described by what the system tells, and by nothing private."""

import platform

from edgehar.firmware_bridge.benchmark import machine as machines
from edgehar.firmware_bridge.benchmark.machine import describe_machine


def test_this_machine_is_described():
    machine = describe_machine()
    assert machine.cpu
    assert 1 <= machine.usable_cores <= machine.cores
    assert machine.python.endswith(platform.python_version())
    assert {"edgehar", "numpy"} <= set(machine.versions)
    assert platform.node() not in str(machine.to_json()) or len(platform.node()) < 4


def test_a_desktop_s_processor_is_named(tmp_path):
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nprocessor : 1\nmodel name : no\n"
    )
    assert machines._cpu_model(tmp_path / "cpuinfo", tmp_path / "none") == "Some CPU @ 3 GHz"


def test_a_raspberry_pi_is_named_by_its_board(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd08\n")
    (tmp_path / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    assert machines._cpu_model(tmp_path / "cpuinfo", tmp_path / "model") == "Raspberry Pi 4 Model B Rev 1.4"


def test_a_system_that_tells_nothing_still_has_a_name(tmp_path):
    assert machines._cpu_model(tmp_path / "none", tmp_path / "none")
    assert machines._memory_mb(tmp_path / "none") is None
    assert machines._first_line(tmp_path / "none") is None


def test_memory_is_in_millions_of_bytes(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:        1000000 kB\nMemFree: 5 kB\n")
    assert machines._memory_mb(tmp_path / "meminfo") == 1024


def test_a_busy_machine_is_noticed(result):
    assert result.machine.busy
    idle = type(result.machine)(**result.machine.to_json() | {"load_average": 0.1})
    assert not idle.busy
    unknown = type(result.machine)(**result.machine.to_json() | {"load_average": None})
    assert not unknown.busy
