// Which build of TensorFlow is installed where: the wheels that carry the C library, pinned by hash.

/** `cuda` libraries also run without a GPU; `cpu` ones never use one. */
export type Variant = "cpu" | "cuda";

/** One wheel file of a package index, and what of it is kept. */
export interface Wheel {
  /** Package name on the index. */
  package: string;
  version: string;
  /** pip's `--platform` tag. */
  platformTag: string;
  variant: Variant;
  /** Size of the wheel file, for progress. */
  bytes: number;
  /** Size of what is kept of it, for the check of free disk space. */
  unpackedBytes: number;
  /** Of the wheel file, lower-case hex. */
  sha256: string;
}

/** Names of the two libraries on a platform. */
export interface LibraryNames {
  cc: string;
  framework: string;
}

export const TENSORFLOW_VERSION = "2.21.0";

/** Stands for the version in the cache entry of what tfjs-node's own install script downloads: that version depends on the platform. */
export const PACKAGE_INSTALLER_ENTRY = "tfjs-node";

/** All wheels are taken for this Python, whatever Python the machine has: the C library does not depend on it. */
export const WHEEL_PYTHON = "3.11";

/** Key: `<platform>-<arch>-<variant>` as Node names them. Hashes are the index's own, checked against a download of each file. */
const WHEELS: Readonly<Record<string, Wheel>> = {
  "linux-x64-cpu": {
    package: "tensorflow-cpu",
    version: TENSORFLOW_VERSION,
    platformTag: "manylinux_2_27_x86_64",
    variant: "cpu",
    bytes: 273829956,
    unpackedBytes: 854_000_000,
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
  },
  "linux-x64-cuda": {
    package: "tensorflow",
    version: TENSORFLOW_VERSION,
    platformTag: "manylinux_2_27_x86_64",
    variant: "cuda",
    bytes: 572_440_367,
    unpackedBytes: 1_260_000_000,
    sha256: "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
  },
  "linux-arm64-cpu": {
    package: "tensorflow",
    version: TENSORFLOW_VERSION,
    platformTag: "manylinux_2_27_aarch64",
    variant: "cpu",
    bytes: 281_828_020,
    unpackedBytes: 884_000_000,
    sha256: "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c",
  },
  "darwin-arm64-cpu": {
    package: "tensorflow",
    version: TENSORFLOW_VERSION,
    platformTag: "macosx_12_0_arm64",
    variant: "cpu",
    bytes: 223_405_849,
    unpackedBytes: 742_000_000,
    sha256: "51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88",
  },
};

/** The wheel for a platform (`linux-x64`, …), or undefined where none is published. */
export function wheelFor(platform: string, variant: Variant): Wheel | undefined {
  return WHEELS[`${platform}-${variant}`];
}

/** File names of the libraries inside the wheel's `tensorflow` folder. */
export function libraryNames(os: NodeJS.Platform = process.platform): LibraryNames {
  return os === "darwin"
    ? { cc: "libtensorflow_cc.2.dylib", framework: "libtensorflow_framework.2.dylib" }
    : { cc: "libtensorflow_cc.so.2", framework: "libtensorflow_framework.so.2" };
}
