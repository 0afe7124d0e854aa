"""Takes every right from the calling process: fresh namespaces, limits, no capabilities, a system call deny list. Linux, CPython 3.9 or later."""

import ctypes
import os
import platform
import resource
import signal
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SECCOMP_MODE_FILTER = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522

# The user that a program sees itself as; outside the box it is the box's user.
INNER_ID = 1000

# The stack of a JavaScript runtime's threads, and how many of them it starts by itself, with room.
RUNTIME_STACK_MIB, RUNTIME_THREADS = 64, 16

_libc = ctypes.CDLL(None, use_errno=True)
# Keeps the interpreter's lock over the call: clone() must come back in both processes as if nothing had happened.
_libc_locked = ctypes.PyDLL(None, use_errno=True)

# System calls by number: (x86_64, aarch64); None where an architecture lacks one.
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
# Namespaces and mounts, other processes' memory, kernel interfaces with a history of holes, memory that no limit counts, sockets.
_DENIED = {
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "pidfd_getfd": (438, 438),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "fanotify_init": (300, 262), "quotactl": (179, 60), "acct": (163, 89), "syslog": (103, 116), "reboot": (169, 142),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "swapon": (167, 224), "swapoff": (168, 225), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "personality": (135, 92), "move_pages": (279, 239), "migrate_pages": (256, 238), "mbind": (237, 235),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "socket": (41, 198),
}

ERRNO_EPERM, ERRNO_ENOSYS = 1, 38


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def system_call_filter():
    """The deny list as a classic BPF program, ready for prctl; None on an architecture without a table."""
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return None
    column, audit_arch = known

    def instruction(code, jump_true, jump_false, value):
        return struct.pack("=HBBI", code, jump_true, jump_false, value)

    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill, errno = 0x7FFF0000, 0x80000000, 0x00050000
    program = [
        instruction(load, 0, 0, 4),
        instruction(equal, 1, 0, audit_arch),
        instruction(answer, 0, 0, kill),
        instruction(load, 0, 0, 0),
    ]
    if column == 0:
        # The x32 calls are the same ones under other numbers.
        program += [instruction(at_least, 0, 1, 0x40000000), instruction(answer, 0, 0, kill)]
    for numbers in _DENIED.values():
        if numbers[column] is not None:
            program += [instruction(equal, 0, 1, numbers[column]), instruction(answer, 0, 0, errno | ERRNO_EPERM)]
    # Its flags lie in memory, out of a filter's sight; without it the C library falls back on clone.
    program += [instruction(equal, 0, 1, _CLONE3[column]), instruction(answer, 0, 0, errno | ERRNO_ENOSYS)]
    program += [
        instruction(equal, 0, 3, _CLONE[column]),
        instruction(load, 0, 0, 16),
        instruction(any_bit, 0, 1, NAMESPACE_FLAGS),
        instruction(answer, 0, 0, errno | ERRNO_EPERM),
        instruction(answer, 0, 0, allow),
    ]
    code = ctypes.create_string_buffer(b"".join(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    return (header, code)


def fork(namespaces):
    """As os.fork; with `namespaces` the child is the first process of its own pid, mount and user namespaces. One system call: 0.4 ms."""
    if not namespaces:
        return os.fork()
    column = _ARCHITECTURES[platform.machine()][0]
    flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | signal.SIGCHLD
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _libc_locked.syscall(_CLONE[column], flags, 0, 0, 0, 0)
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        check(-1, "clone")
    return pid


def enter_namespaces(outer_uid, outer_gid, scratch_mib):
    """Names this process's user, then covers /tmp and /proc with its own."""
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{INNER_ID} {outer_uid} 1")
    write("/proc/self/gid_map", f"{INNER_ID} {outer_gid} 1")
    options = f"size={scratch_mib}m,nr_inodes=4096,mode=0700".encode()
    check(_libc.mount(b"tmpfs", b"/tmp", b"tmpfs", MS_NOSUID | MS_NODEV, options), "mount /tmp")
    if os.path.isdir("/dev/shm"):
        check(_libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", MS_NOSUID | MS_NODEV, options), "mount /dev/shm")
    check(_libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None), "mount /proc")


def limit(limits, address_space):
    """
    Sets resource limits, soft and hard alike. `address_space`: bound the whole of it, else only private writable memory, for runtimes that
    reserve far more than they use; each of their threads then counts with a whole stack.
    """
    mib = 1 << 20
    stack_mib = limits["stack_mib"] if address_space else min(limits["stack_mib"], RUNTIME_STACK_MIB)
    memory = (limits["memory_mib"] + stack_mib * (1 if address_space else RUNTIME_THREADS)) * mib
    wanted = {
        resource.RLIMIT_CPU: int(limits["cpu_s"]) + 2,
        resource.RLIMIT_AS if address_space else resource.RLIMIT_DATA: memory,
        resource.RLIMIT_STACK: stack_mib * mib,
        resource.RLIMIT_FSIZE: limits["file_mib"] * mib,
        resource.RLIMIT_NOFILE: limits["files"],
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def die_with_parent():
    check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def adopt_orphans():
    """Makes this process the parent of whatever its descendants leave behind."""
    check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def drop_rights(call_filter):
    """Gives up all capabilities for good, then the denied system calls."""
    header = struct.pack("=II", LINUX_CAPABILITY_VERSION_3, 0)
    check(_libc.capset(header, bytes(24)), "capset")
    check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if call_filter is not None:
        check(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, call_filter[0], 0, 0), "seccomp")


def write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
