"""What runs inside the confined process: a whole program on real standard streams, or a program whose functions are called from outside."""

import atexit
import builtins
import io
import json
import os
import sys
import threading
import types

from longcot_values import NotPlain, decode, encode

# Calls come in and values go out here; see `serve`.
CHANNEL = 3
# What LeetCode-like tasks take for granted; star imports, then the built-in names again.
PREAMBLE = """
import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, operator, random, re, statistics, string, sys, typing
from string import *
from re import *
from datetime import *
from collections import *
from heapq import *
from bisect import *
from copy import *
from math import *
from random import *
from statistics import *
from itertools import *
from functools import *
from operator import *
from typing import *
from builtins import *
"""
PREAMBLE_CODE = compile(PREAMBLE, "preamble.py", "exec")
# As deep as LeetCode's judge lets a function recurse; whole programs have the interpreter's own limit.
CALL_RECURSION_LIMIT = 50_000
THREAD_STACK_BYTES = 8 << 20
MESSAGE_CHARS = 300


def prepare_interpreter():
    """Standard streams on descriptors 0 to 2, as a fresh interpreter makes them."""
    sys.stdin = sys.__stdin__ = io.open(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = io.open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = io.open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = ["solution.py"]
    # The C library would give every thread the main one's stack limit, which is far larger than usual.
    threading.stack_size(THREAD_STACK_BYTES)


def flush_before_exit():
    """
    os._exit drops what is still buffered. Contestants call it right after the last print, to save the interpreter's clean-up: what this
    process has printed counts as printed. Its children keep the plain one, which keeps them from printing their copy of the buffer.
    """
    owner, exit_now = os.getpid(), os._exit

    def flush_and_exit(status):
        if os.getpid() == owner:
            try:
                sys.stdout.flush()
            except BaseException:
                pass
        exit_now(status)

    os._exit = flush_and_exit


def new_module(name):
    module = types.ModuleType(name)
    module.__builtins__ = builtins
    sys.modules[name] = module
    return module


def run_program(source):
    """Runs `source` as `__main__` and ends the process as the interpreter would."""
    module = new_module("__main__")
    flush_before_exit()
    end_process(lambda: execute(source, module))


def serve_calls(prefix, source):
    """Runs `source` without its main guard, then answers calls until the channel closes. A line each way, see `answer`."""
    module = new_module("solution")
    handles = []

    def serve():
        exec(PREAMBLE_CODE, module.__dict__)
        sys.setrecursionlimit(CALL_RECURSION_LIMIT)
        execute(prefix, module)
        execute(source, module)
        with io.open(CHANNEL, "r", encoding="utf-8", closefd=False) as requests:
            for line in requests:
                send(answer(json.loads(line), module, handles))

    end_process(serve)


def answer(request, module, handles):
    """
    `{expression | handle, method?, arguments}` → `{value}`, `{handle}` for what is no plain data, or `{error}`. `arguments` is the
    encoding of (positional, named). `method` as entry point of either kind: `Solution().method` where there is such a class, else `method`.
    With `mutable` the answer holds the arguments as the call left them, if it changed them.
    """

    def is_known(cls):
        return cls.__module__ == module.__name__

    try:
        if "handle" in request:
            target = handles[request["handle"]]
        elif "method" in request:
            target = entry_point(request["method"], module)
        else:
            target = eval(request["expression"], module.__dict__)
        for name in request.get("attributes", ()):
            target = getattr(target, name)
        arguments, named = decode(request["arguments"], module.__dict__.get)
        value = target(*arguments, **named)
    except BaseException as error:
        return {"error": describe(error)}
    reply = {}
    try:
        reply["value"] = encode(value, is_known)
    except NotPlain:
        handles.append(value)
        reply["handle"] = len(handles) - 1
    except BaseException as error:
        return {"error": describe(error)}
    if request.get("mutable"):
        try:
            after = encode((arguments, named), is_known)
            if after != request["arguments"]:
                reply["after"] = after
        except BaseException:
            pass
    return reply


def entry_point(name, module):
    solution = getattr(module, "Solution", None)
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)
    if hasattr(module, name):
        return getattr(module, name)
    raise NameError(f"neither a function nor a method of Solution is called {name}")


def execute(source, module):
    try:
        code = compile(source, "solution.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise CompileError(error) from None
    exec(code, module.__dict__)


class CompileError(Exception):
    pass


def send(message):
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(CHANNEL, data) :]


def end_process(work):
    """Runs `work`, waits for its threads, runs exit handlers, flushes, and ends with the exit status of an interpreter."""
    status = 0
    try:
        try:
            work()
        finally:
            threading._shutdown()
            atexit._run_exitfuncs()
            sys.stdout.flush()
    except SystemExit as error:
        status = exit_status(error.code)
    except BaseException as error:
        status = 1
        try:
            send({"error": describe(error)})
        except OSError:
            pass
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 120
    os._exit(status)


def exit_status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def describe(error):
    """Kind, name, message and line of an exception, as far as it can be read."""
    kind = "exception"
    if isinstance(error, CompileError):
        kind, error = "compile", error.args[0]
    elif isinstance(error, MemoryError):
        kind = "memory"
    line = getattr(error, "lineno", None) if kind == "compile" else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "solution.py":
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = str(error.msg if kind == "compile" and hasattr(error, "msg") else error)[:MESSAGE_CHARS]
    except BaseException:
        message = ""
    return {"kind": kind, "name": type(error).__name__, "message": message, "line": line if isinstance(line, int) else None}
