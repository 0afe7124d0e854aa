"""
The box's first program: reads requests on descriptor 0, forks one confined process for each, watches it, writes replies on descriptor 1.

A frame either way: length of the header, length of the body (4 bytes each, big endian), header (JSON), body. Requests: `run` (body:
standard input), `feed` (body: bytes for the running program's channel; `end` closes it), `stop`. Replies: `ready`, `channel` (body: bytes
from the program's channel), `done` (body: standard output).
"""

import fcntl
import gc
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time

import longcot_confine as confine
import longcot_judge as judge
import longcot_program as program

# What solutions import most: here once, not in every process.
import abc, array, bisect, collections, copy, dataclasses, datetime, decimal, enum, fractions, functools, heapq, io, itertools  # noqa: E401, F401
import math, operator, queue, random, re, statistics, string, textwrap, threading, traceback, types, typing, weakref  # noqa: E401, F401

REQUESTS, REPLIES = 0, 1
# How often a running program is looked at, in seconds: often at first, when memory may grow fastest.
TICK_S, SLOW_TICK_S, FAST_PHASE_S = 0.02, 0.05, 1.0
# A program that waits for nothing this long is asleep, and its sleep counts as time used.
SLEEP_S = 1.0
PIPE_BYTES = 1 << 20
READ_BYTES = 1 << 20
STDERR_BYTES = 8192
MIB = 1 << 20
F_SETPIPE_SZ = 1031
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Connection:
    """Frames to and from the parent; both directions block."""

    def __init__(self):
        self.received = bytearray()

    def read_more(self):
        data = os.read(REQUESTS, READ_BYTES)
        if not data:
            kill_descendants()
            if os.environ.get("HOME", "/tmp") != "/tmp":
                shutil.rmtree(os.environ["HOME"], ignore_errors=True)
            os._exit(0)
        self.received += data

    def next_frame(self):
        """The oldest whole frame as (header, body), or None."""
        if len(self.received) < 8:
            return None
        header_length, body_length = struct.unpack_from(">II", self.received)
        end = 8 + header_length + body_length
        if len(self.received) < end:
            return None
        header = json.loads(bytes(self.received[8 : 8 + header_length]))
        body = bytes(self.received[8 + header_length : end])
        del self.received[:end]
        return header, body

    def wait_for_frame(self):
        frame = self.next_frame()
        while frame is None:
            self.read_more()
            frame = self.next_frame()
        return frame

    def send(self, header, body=b""):
        text = json.dumps(header).encode()
        data = memoryview(struct.pack(">II", len(text), len(body)) + text + body)
        while data:
            data = data[os.write(REPLIES, data) :]


class Confinement:
    """What this box can do to a program; the same for every run."""

    def __init__(self, namespaces):
        self.namespaces = namespaces
        self.uid, self.gid = os.getuid(), os.getgid()
        self.filter = confine.system_call_filter()

    def fork(self):
        return confine.fork(self.namespaces)

    def confine_child(self, limits, scratch, address_space):
        """In the child, once its descriptors are in place."""
        confine.die_with_parent()
        if self.namespaces:
            confine.enter_namespaces(self.uid, self.gid, limits["scratch_mib"])
        # Signals to its process group reach nobody else, whatever namespace that is in.
        os.setsid()
        os.chdir(scratch)
        confine.limit(limits, address_space)
        confine.drop_rights(self.filter)


class Run:
    """One program from fork to verdict."""

    def __init__(self, header, stdin, confinement, connection):
        self.limits = header["limits"]
        self.connection = connection
        self.confinement = confinement
        self.killed_for = None
        self.stdout, self.stdout_bytes, self.stderr = [], 0, b""
        self.channel_bytes = 0
        # Without a mount namespace of its own a program gets a folder, and it goes with the program.
        self.scratch = "/tmp" if confinement.namespaces else tempfile.mkdtemp(prefix="longcot-box-")
        self.start(header, stdin)

    def start(self, header, stdin):
        stdin_fd = os.memfd_create("stdin", os.MFD_CLOEXEC)
        view = memoryview(stdin)
        while view:
            view = view[os.write(stdin_fd, view) :]
        os.lseek(stdin_fd, 0, os.SEEK_SET)
        out, out_child = os.pipe2(os.O_CLOEXEC)
        setup, setup_child = os.pipe2(os.O_CLOEXEC)
        err, err_child = os.pipe2(os.O_CLOEXEC)
        channel, channel_child = socket.socketpair()
        try:
            fcntl.fcntl(out, F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            pass  # A smaller pipe is only slower.
        self.began = self.progressed = time.monotonic()
        self.cpu_s = 0.0
        self.pid = self.confinement.fork()
        if self.pid == 0:
            try:
                run_child(header, self.confinement, self.scratch, (stdin_fd, out_child, err_child, channel_child.fileno()), setup_child)
            finally:
                os._exit(126)
        for descriptor in (stdin_fd, out_child, err_child, setup_child):
            os.close(descriptor)
        channel_child.close()
        self.out, self.err, self.channel, self.setup = out, err, channel, setup
        for descriptor in (out, err):
            os.set_blocking(descriptor, False)
        channel.setblocking(False)
        self.outgoing, self.end_channel = bytearray(header.get("feed", "").encode()), not header.get("interactive", False)
        self.pidfd = os.pidfd_open(self.pid)

    def watch(self):
        """Relays and watches until the program has ended, then replies `done`."""
        poll = select.poll()
        for descriptor in (REQUESTS, self.out, self.err, self.pidfd):
            poll.register(descriptor, select.POLLIN)
        poll.register(self.channel, self.channel_events())
        ended = False
        # Requests for this program may have come in one piece with the one that started it.
        self.obey()
        poll.modify(self.channel, self.channel_events())
        while not ended:
            for descriptor, _ in poll.poll(self.tick() * 1000):
                if descriptor == self.pidfd:
                    ended = True
                elif descriptor == REQUESTS:
                    self.connection.read_more()
                    self.obey()
                elif descriptor == self.out:
                    if not self.read_out():
                        poll.unregister(self.out)
                elif descriptor == self.err:
                    if not self.read_err():
                        poll.unregister(self.err)
                elif not self.relay():
                    poll.unregister(self.channel)
                    self.channel_open = False
            if self.channel_open:
                poll.modify(self.channel, self.channel_events())
            if not ended and time.monotonic() >= self.next_look:
                self.look()
        self.finish()

    channel_open = True
    next_look = 0.0

    def channel_events(self):
        if self.end_channel and not self.outgoing:
            try:
                self.channel.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # The program closed it first.
            self.end_channel = False
        return select.POLLIN | (select.POLLOUT if self.outgoing else 0)

    def tick(self):
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + (TICK_S if now - self.began < FAST_PHASE_S else SLOW_TICK_S)
        return max(0.001, self.next_look - now)

    def obey(self):
        """Requests that came while the program runs."""
        frame = self.connection.next_frame()
        while frame is not None:
            header, body = frame
            if header["type"] == "stop":
                self.kill("stopped")
            elif header["type"] == "feed":
                self.outgoing += body
                self.end_channel = self.end_channel or header.get("end", False)
            frame = self.connection.next_frame()

    def read_out(self):
        """Whether there may be more."""
        data = read(self.out)
        if data:
            room = max(0, self.limits["output_mib"] * MIB - self.stdout_bytes)
            self.stdout.append(data[:room])
            self.stdout_bytes += len(data)
            if len(data) > room:
                self.kill("output")
        return data != b""

    def read_err(self):
        data = read(self.err)
        if data:
            self.stderr = (self.stderr + data)[-STDERR_BYTES:]
        return data != b""

    def relay(self):
        try:
            if self.outgoing:
                del self.outgoing[: self.channel.send(self.outgoing[:READ_BYTES])]
        except BlockingIOError:
            pass
        except OSError:
            self.outgoing.clear()
        try:
            data = self.channel.recv(READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if data:
            self.channel_bytes += len(data)
            if self.channel_bytes > self.limits["output_mib"] * MIB:
                self.kill("output")
            else:
                self.connection.send({"type": "channel"}, data)
        return data != b""

    def look(self):
        """Ends the program if it used up its time or memory."""
        now = time.monotonic()
        cpu_s, resident, runnable = usage()
        if cpu_s > self.cpu_s or runnable:
            self.cpu_s, self.progressed = max(cpu_s, self.cpu_s), now
        asleep = now - self.progressed
        if resident > self.limits["memory_mib"] * MIB:
            self.kill("memory")
        elif self.cpu_s > self.limits["cpu_s"] or (self.limits["count_sleep"] and asleep > SLEEP_S and self.cpu_s + asleep > self.limits["cpu_s"]):
            self.kill("cpu")
        elif now - self.began > self.limits["wall_s"]:
            self.kill("wall")

    def kill(self, reason):
        if self.killed_for is None:
            self.killed_for = reason
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def finish(self):
        if not self.confinement.namespaces:
            kill_descendants()
        _, status, used = os.wait4(self.pid, 0)
        wall_s = time.monotonic() - self.began
        if not self.confinement.namespaces:
            reap_orphans()
            shutil.rmtree(self.scratch, ignore_errors=True)
        while self.read_out() and self.read_more_waits(self.out):
            pass
        while self.read_err() and self.read_more_waits(self.err):
            pass
        while self.channel_open and self.relay() and self.read_more_waits(self.channel.fileno()):
            pass
        cpu_s = max(self.cpu_s, used.ru_utime + used.ru_stime)
        reason = self.killed_for
        if reason is None and cpu_s > self.limits["cpu_s"]:
            reason = "cpu"
        setup_error = os.read(self.setup, STDERR_BYTES).decode("utf-8", "replace")
        for descriptor in (self.out, self.err, self.pidfd, self.setup):
            os.close(descriptor)
        self.channel.close()
        report = {
            "type": "done",
            "exitCode": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "killedFor": reason,
            "setupError": setup_error,
            "cpuSeconds": cpu_s,
            "wallSeconds": wall_s,
            "memoryMib": used.ru_maxrss / 1024,
            "stderr": self.stderr.decode("utf-8", "replace"),
        }
        self.connection.send(report, b"".join(self.stdout))

    def read_more_waits(self, descriptor):
        return bool(select.select([descriptor], [], [], 0)[0])


def read(descriptor):
    """What is there: b"" at the end, None when nothing waits."""
    try:
        return os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return None


def usage():
    """CPU seconds, bytes of memory and whether anything is runnable, over all descendants of this process."""
    cpu_ticks, memory, runnable = 0, 0, False
    for pid, fields in descendants().items():
        runnable = runnable or fields[0] in b"RD"
        cpu_ticks += sum(int(field) for field in fields[11:15])
        memory += resident_bytes(pid)
    return cpu_ticks / CLOCK_TICKS, memory, runnable


def descendants():
    """All processes below this one: pid → the fields of /proc/pid/stat after the name."""
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    table[int(name)] = file.read().rpartition(b")")[2].split()
            except OSError:
                pass  # It ended meanwhile.
    below, fringe = {}, {os.getpid()}
    while fringe:
        found = {pid: fields for pid, fields in table.items() if int(fields[1]) in fringe}
        below.update(found)
        fringe = set(found)
    return below


def resident_bytes(pid):
    """Memory that is not a file's: private pages and shared anonymous ones."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            lines = [line.split() for line in file if line.startswith((b"RssAnon:", b"RssShmem:"))]
    except OSError:
        return 0
    return sum(int(line[1]) for line in lines) * 1024


def kill_descendants():
    """Without a pid namespace: ends whatever is left below this process, which adopts what its programs orphan."""
    while True:
        alive = [pid for pid, fields in descendants().items() if fields[0] != b"Z"]
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if not alive:
            return
        time.sleep(0.001)


def reap_orphans():
    try:
        while os.waitpid(-1, 0)[0]:
            pass
    except ChildProcessError:
        pass


def run_child(header, confinement, scratch, descriptors, setup):
    """In the child: descriptors 0 to 3, confinement, then the program. Never returns."""
    limits, language = header["limits"], header["language"]
    report = setup
    try:
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 16) for descriptor in (*descriptors, setup)]
        runtime = fcntl.fcntl(NODE, fcntl.F_DUPFD_CLOEXEC, 16) if language != "python" else None
        for place, descriptor in enumerate(high[:4]):
            os.dup2(descriptor, place)
        os.dup2(high[4], 4, inheritable=False)
        report = 4
        if runtime is not None:
            os.dup2(runtime, 5, inheritable=False)
        os.closerange(5 if runtime is None else 6, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        confinement.confine_child(limits, scratch, address_space=runtime is None)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_IGN if language == "python" else signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler if language == "python" else signal.SIG_DFL)
    except BaseException as error:
        os.write(report, f"{type(error).__name__}: {error}".encode())
        os._exit(126)
    os.close(4)
    gc.unfreeze()
    gc.enable()
    mode = header["mode"]
    if language != "python":
        run_node(header, limits)
    program.prepare_interpreter()
    if mode == "stdin":
        program.run_program(header["source"])
    elif mode == "calls":
        program.serve_calls(header.get("prefix", ""), header["source"])
    elif mode == "tests":
        program.end_process(lambda: judge.serve_tests(header.get("prefix", ""), header["tests"], header.get("entry")))
    else:
        program.end_process(lambda: judge.serve_checker(header["source"]))


def run_node(header, limits):
    """Node itself, by descriptor: its folder need not be visible in the box."""
    source = header["source"] if header["mode"] == "stdin" else header["source"] + "\n" + NODE_EXPORT % header["entries"]
    name = "solution.ts" if header["language"] == "typescript" else "solution.js"
    with open(name, "w", encoding="utf-8") as file:
        file.write(source)
    stack_kib = resource.getrlimit(resource.RLIMIT_STACK)[0] // 1024
    flags = [f"--max-old-space-size={limits['memory_mib'] * 3 // 4}", f"--stack-size={stack_kib - NODE_STACK_RESERVE_KIB}", "--no-warnings"]
    if header["language"] == "typescript":
        flags.append("--experimental-transform-types")
    path = os.path.abspath(name)
    target = [path] if header["mode"] == "stdin" else [os.path.join(HOME, "longcot-calls.mjs"), path]
    os.execve(5, ["node", *flags, *target], {"HOME": os.getcwd(), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})


# Ends a module that is to be called: its top-level names are its own, so it must hand them out itself.
NODE_EXPORT = ";globalThis[Symbol.for('longcot.entries')] = Object.fromEntries(%s.map(([name, get]) => [name, get()]));"
# Part of the stack limit that V8 must not use, for the C++ code that it calls.
NODE_STACK_RESERVE_KIB = 16 << 10
NODE = int(os.environ.get("LONGCOT_NODE", "-1"))
HOME = os.path.dirname(os.path.abspath(__file__))


def raise_stack_limit(stack_mib):
    """The stack's room in the address space is laid out when a program starts: starts this one again under the limit of its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = stack_mib * MIB if hard == resource.RLIM_INFINITY else min(stack_mib * MIB, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def main():
    namespaces = sys.argv[1] == "namespaces"
    raise_stack_limit(int(sys.argv[2]))
    sys.path[:] = [path for path in sys.path if path != HOME]
    add_installed_packages()
    # Should memory run out on the machine, a program goes before anything else does.
    confine.write("/proc/self/oom_score_adj", "1000")
    if not namespaces:
        confine.adopt_orphans()
    # Programs that draw without a seed draw the same in every run: a verdict does not change from one day to the next.
    random.seed(0)
    # The first process of a namespace meets only the signals that it handles, and Python handles this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confinement, connection = Confinement(namespaces), Connection()
    connection.send({"type": "ready", "python": sys.version.split()[0], "filter": confinement.filter is not None})
    gc.collect()
    gc.disable()
    gc.freeze()
    while True:
        header, body = connection.wait_for_frame()
        if header["type"] == "run":
            Run(header, body, confinement, connection).watch()


def add_installed_packages():
    """What importing `site` at start would do, but for path files, which run code."""
    import site

    site.setquit()
    sys.path += [path for path in site.getsitepackages() if os.path.isdir(path) and path not in sys.path]


if __name__ == "__main__":
    main()
