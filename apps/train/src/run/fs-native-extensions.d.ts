// Types of the part of fs-native-extensions that we use; the package ships none.
declare module "fs-native-extensions" {
  /** Takes an advisory lock of the whole file, exclusive unless `shared`, if nobody has one against it; the kernel frees it when the process ends. */
  export function tryLock(fd: number, options?: { shared?: boolean }): boolean;
  /** Gives the lock back. */
  export function unlock(fd: number): void;
}
