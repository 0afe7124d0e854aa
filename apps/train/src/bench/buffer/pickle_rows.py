"""Rows on stdin, pickled and unpickled: as arrays and as lists. Prints one line of JSON: seconds of each.

stdin: a line of JSON {"group": rows pickled at once, "columns": [[name, typecode], ...]}, then for each row its number of tokens (uint32,
little endian) and the bytes of each column.
"""

import array
import json
import pickle
import struct
import sys
import time

source = sys.stdin.buffer
head = json.loads(source.readline())
seconds = {"arrays": 0.0, "lists": 0.0}


def measure(kind, rows):
    start = time.perf_counter()
    back = pickle.loads(pickle.dumps(rows, protocol=pickle.HIGHEST_PROTOCOL))
    seconds[kind] += time.perf_counter() - start
    assert len(back) == len(rows)


def flush(rows):
    measure("arrays", rows)
    measure("lists", [{name: column.tolist() for name, column in row.items()} for row in rows])


rows = []
while length := source.read(4):
    (tokens,) = struct.unpack("<I", length)
    row = {}
    for name, code in head["columns"]:
        column = array.array(code)
        column.frombytes(source.read(tokens * column.itemsize))
        row[name] = column
    rows.append(row)
    if len(rows) == head["group"]:
        flush(rows)
        rows = []
if rows:
    flush(rows)
print(json.dumps(seconds))
