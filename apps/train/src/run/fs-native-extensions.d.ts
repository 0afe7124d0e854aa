// Types of the part of fs-native-extensions that we use; the package ships none.
declare module "fs-native-extensions" {
  /** Takes an exclusive advisory lock of the whole file unless someone has it; the kernel frees it when the process ends. */
  export function tryLock(fd: number): boolean;
}
