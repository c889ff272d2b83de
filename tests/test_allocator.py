"""Freed blocks come to stay with the process: a second allocation pays for no page again."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, resource, sys, threading
from seq2seq.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
libc, size = ctypes.CDLL("libc.so.6"), 100 << 20
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
faults = []

def touch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

for _ in range(3):
    thread = threading.Thread(target=touch)
    thread.start()
    thread.join()
print(*faults)
"""

GIVEN_BACK = """
import ctypes
from seq2seq.allocator import give_back_freed_memory, keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20

keep_freed_memory()
libc, size = ctypes.CDLL("libc.so.6"), 100 << 20
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
before, blocks = resident(), [libc.malloc(size) for _ in range(3)]
for block in blocks:
    ctypes.memset(block, 1, size)
for block in blocks[:2]:  # the last one stays behind the gap
    libc.free(block)
kept = resident()
give_back_freed_memory()
print(kept - before, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
@pytest.mark.parametrize(("how", "paid_again"), [("kept", False), ("as it is", True)])
def test_a_block_is_paid_for_once(how, paid_again):
    words = [sys.executable, "-c", SCRIPT, how]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    first, *later = map(int, out.split())
    assert first > 20
    assert all((count > first / 2) is paid_again for count in later)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_gaps_of_the_heap_are_given_back():
    words = [sys.executable, "-c", GIVEN_BACK]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    kept, left = map(int, out.split())
    assert kept >= 295
    assert left < 110
