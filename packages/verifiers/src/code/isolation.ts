// How far a box can be shut on this machine: the levels, what each is made of, and the command that opens one.
import { existsSync, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Levels of isolation, weakest first. */
export const ISOLATION_LEVELS = ["rlimits only", "namespaces", "full"] as const;

/**
 * What stands between a program and the machine. In every level: limits on time, memory, processes, output and files, no
 * capabilities, and a deny list of system calls (no sockets, no ptrace, no mounts).
 * - `full`: a bubblewrap box that runs as another user than root, without network and host files, and in it for every single run
 *   namespaces of its own: own processes, own empty `/tmp`.
 * - `namespaces`: the box, but its programs share a process table or run as root.
 * - `rlimits only`: no box: a program can read the host's files.
 */
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

/** One way to open a box. */
export interface BoxPlan {
  readonly level: IsolationLevel;
  /** In a bubblewrap box; false: straight on the host. */
  readonly boxed: boolean;
  /** As this user and group; undefined: as the caller. */
  readonly uid?: number;
  /** Namespaces of its own for every run. */
  readonly namespaces: boolean;
}

/** First of the users that boxes run as when the caller is root; each box has its own. Owns no file. */
const FIRST_BOX_UID = 60_700;
const BOX_UIDS = 256;
/** Room in the box outside of the runs' own `/tmp`; nothing is written there. */
const BOX_TMP_BYTES = 1 << 20;
/** The same where runs have no `/tmp` of their own and share this one. */
const SHARED_TMP_BYTES = 256 << 20;
/** Where the box sees its own programs. */
export const BOX_FOLDER = "/longcot";
/** Host folders every box sees, read-only; links and what is missing are taken as they are. */
const SYSTEM_FOLDERS = ["/bin", "/lib", "/lib32", "/lib64", "/sbin"];
/** Which library lies where; no secrets. */
const LINKER_FILES = ["/etc/ld.so.cache", "/etc/alternatives"];

let nextUid = process.pid % BOX_UIDS;

/** Plans from the safest to the weakest, whether or not they work here. */
export function boxPlans(): BoxPlan[] {
  const root = process.getuid?.() === 0;
  const uid = root ? { uid: FIRST_BOX_UID + (nextUid++ % BOX_UIDS) } : {};
  return [
    { level: "full", boxed: true, namespaces: true, ...uid },
    { level: "namespaces", boxed: true, namespaces: false, ...uid },
    ...(root ? [{ level: "namespaces", boxed: true, namespaces: false } as const] : []),
    { level: "rlimits only", boxed: false, namespaces: false, ...uid },
    ...(root ? [{ level: "rlimits only", boxed: false, namespaces: false } as const] : []),
  ];
}

/** Whether `level` is at least `required`. */
export function reaches(level: IsolationLevel, required: IsolationLevel): boolean {
  return ISOLATION_LEVELS.indexOf(level) >= ISOLATION_LEVELS.indexOf(required);
}

/** The first of `names` on PATH or in the usual folders. */
export function findProgram(...names: string[]): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/**
 * The CPython that grades: `LONGCOT_SANDBOX_PYTHON`, else the system's own. A `python3` of PATH is the last resort: version managers put a script
 * there whose interpreter lies in a home folder that a box cannot see.
 */
export function findPython(): string | undefined {
  return (
    process.env["LONGCOT_SANDBOX_PYTHON"] ??
    ["/usr/local/bin/python3", "/usr/bin/python3"].find((path) => existsSync(path)) ??
    findProgram("python3")
  );
}

/** Folder of the programs that run inside; the same in the source tree and in the published package. */
export const BOX_PROGRAMS = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./box/" : "../src/code/box/", import.meta.url));

/** Names of the files in {@link BOX_PROGRAMS}. */
export function boxProgramNames(): string[] {
  return readdirSync(BOX_PROGRAMS).filter((name) => /^longcot.*\.(py|mjs)$/.test(name));
}

/** Descriptors below this one are the standard streams; the box's files follow. */
const FIRST_FILE_DESCRIPTOR = 3;

/**
 * Command and arguments that start the forkserver by `plan`. The program files come by descriptor, from 3 on in the order of
 * {@link boxProgramNames}, so that the box's user needs no right to read the folder where they lie; the JavaScript runtime comes after them.
 */
export function boxCommand(plan: BoxPlan, options: { python: string; pythonFolders: readonly string[]; stackMib: number }): string[] {
  const { python, pythonFolders, stackMib } = options;
  const names = boxProgramNames();
  const asUser = plan.uid === undefined ? [] : ["setpriv", `--reuid=${plan.uid}`, `--regid=${plan.uid}`, "--clear-groups"];
  const server = (folder: string): string[] => [
    python,
    "-s",
    "-S",
    "-B",
    join(folder, "longcot_forkserver.py"),
    plan.namespaces ? "namespaces" : "plain",
    String(stackMib),
  ];
  if (!plan.boxed) return [...asUser, ...server(BOX_PROGRAMS)];
  return [
    ...asUser,
    "bwrap",
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--as-pid-1",
    "--ro-bind",
    "/usr",
    "/usr",
    ...SYSTEM_FOLDERS.flatMap(systemFolder),
    ...LINKER_FILES.flatMap((path) => ["--ro-bind-try", path, path]),
    ...pythonFolders.flatMap((path) => ["--ro-bind", path, path]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--size",
    String(plan.namespaces ? BOX_TMP_BYTES : SHARED_TMP_BYTES),
    "--tmpfs",
    "/tmp",
    ...names.flatMap((name, i) => ["--perms", "0444", "--ro-bind-data", String(FIRST_FILE_DESCRIPTOR + i), `${BOX_FOLDER}/${name}`]),
    // Without namespaces of their own, runs need a place to write that they share.
    ...(plan.namespaces ? ["--remount-ro", "/dev"] : []),
    "--remount-ro",
    "/",
    "--chdir",
    "/tmp",
    "--",
    ...server(BOX_FOLDER),
  ];
}

/** Descriptor of the JavaScript runtime inside the box. */
export const runtimeDescriptor = (plan: BoxPlan): number => FIRST_FILE_DESCRIPTOR + (plan.boxed ? boxProgramNames().length : 0);

function systemFolder(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  return stat.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path];
}
