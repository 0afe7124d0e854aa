// TensorFlow's C API by FFI: the functions that an eager context needs, loaded once per process.

import koffi from "koffi";
import { ConfigError } from "@longcot/errors";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import type { LibtensorflowLocation } from "@longcot/libtensorflow";

/** An address in native memory. */
export type Pointer = bigint;

/** The C functions in use, with pointers as bigint; `execute` also has koffi's `.async`. */
export interface TensorFlowLibrary {
  location: LibtensorflowLocation;
  version: string;
  newStatus(): Pointer;
  deleteStatus(status: Pointer): void;
  statusCode(status: Pointer): number;
  statusMessage(status: Pointer): string;
  newGraph(): Pointer;
  deleteGraph(graph: Pointer): void;
  newBuffer(bytes: Uint8Array, length: number): Pointer;
  deleteBuffer(buffer: Pointer): void;
  newImportOptions(): Pointer;
  deleteImportOptions(options: Pointer): void;
  importGraphDef(graph: Pointer, buffer: Pointer, options: Pointer, status: Pointer): void;
  graphToFunction(...args: GraphToFunctionArguments): Pointer;
  deleteFunction(made: Pointer): void;
  newContextOptions(): Pointer;
  deleteContextOptions(options: Pointer): void;
  setContextConfig(options: Pointer, proto: Uint8Array, length: number, status: Pointer): void;
  newContext(options: Pointer, status: Pointer): Pointer;
  deleteContext(context: Pointer): void;
  addFunction(context: Pointer, made: Pointer, status: Pointer): void;
  listDevices(context: Pointer, status: Pointer): Pointer;
  deviceCount(list: Pointer): number;
  deviceType(list: Pointer, index: number, status: Pointer): string;
  deviceName(list: Pointer, index: number, status: Pointer): string;
  deleteDeviceList(list: Pointer): void;
  operationByName(graph: Pointer, name: string): Pointer | null;
  allocateTensor(dtype: number, dims: BigInt64Array, rank: number, bytes: number): Pointer;
  tensorData(tensor: Pointer): Pointer;
  tensorBytes(tensor: Pointer): number | bigint;
  deleteTensor(tensor: Pointer): void;
  newTensorHandle(tensor: Pointer, status: Pointer): Pointer;
  resolveHandle(handle: Pointer, status: Pointer): Pointer;
  deleteTensorHandle(handle: Pointer): void;
  newOp(context: Pointer, name: string, status: Pointer): Pointer;
  deleteOp(op: Pointer): void;
  setDevice(op: Pointer, device: string, status: Pointer): void;
  setAttribute(op: Pointer, name: string, proto: Uint8Array, length: number, status: Pointer): void;
  addInput(op: Pointer, handle: Pointer, status: Pointer): void;
  execute: Execute;
  /**
   * For the whole process: a GPU's products of float32 are of float32, as PyTorch's (TensorFlow's own choice is TensorFloat-32, of 11 bits), and the same call gives
   * the same bits, by operations that add in a fixed order.
   */
  settleGpu(): void;
}

type GraphToFunctionArguments = [
  graph: Pointer,
  name: string,
  appendHash: number,
  operationCount: number,
  operations: null,
  inputCount: number,
  inputs: BigUint64Array,
  outputCount: number,
  outputs: BigUint64Array,
  outputNames: null,
  controlOutputCount: number,
  controlOutputs: BigUint64Array,
  controlOutputNames: null,
  options: null,
  description: null,
  status: Pointer,
];

interface Execute {
  (op: Pointer, results: BigUint64Array, count: Int32Array, status: Pointer): void;
  async(op: Pointer, results: Pointer, count: Pointer, status: Pointer, done: (error: unknown) => void): void;
}

let loaded: TensorFlowLibrary | undefined;

/**
 * The library, loaded on first use.
 * @throws ConfigError when none is installed, or the file cannot be loaded.
 */
export function loadTensorFlow(): TensorFlowLibrary {
  if (loaded) return loaded;
  const location = locateLibtensorflow();
  if (location === undefined) {
    throw new ConfigError({
      who: "openEngine",
      argument: "engine",
      expected: "wasm, or a machine with libtensorflow",
      received: "tensorflow without libtensorflow",
      fix: "Run `pnpm install` again, `longcot-libtensorflow install`, or set LONGCOT_LIBTENSORFLOW",
    });
  }
  prepareEnvironment();
  // Asynchronous calls have 128 KiB unless told: XLA's compiler, which such a call runs, needs more for a model of twelve layers.
  koffi.config({ ...koffi.config(), async_stack_size: CALL_STACK_BYTES });
  keepLoaded(location);
  const library = koffi.load(location.ccLibrary);
  const f = (definition: string) => library.func(definition) as never;
  loaded = {
    location,
    version: (f("const char* TF_Version()") as () => string)(),
    newStatus: f("void* TF_NewStatus()"),
    deleteStatus: f("void TF_DeleteStatus(void* s)"),
    statusCode: f("int TF_GetCode(void* s)"),
    statusMessage: f("const char* TF_Message(void* s)"),
    newGraph: f("void* TF_NewGraph()"),
    deleteGraph: f("void TF_DeleteGraph(void* g)"),
    newBuffer: f("void* TF_NewBufferFromString(const void* bytes, size_t length)"),
    deleteBuffer: f("void TF_DeleteBuffer(void* b)"),
    newImportOptions: f("void* TF_NewImportGraphDefOptions()"),
    deleteImportOptions: f("void TF_DeleteImportGraphDefOptions(void* o)"),
    importGraphDef: f("void TF_GraphImportGraphDef(void* g, void* b, void* o, void* s)"),
    graphToFunction: f(
      "void* TF_GraphToFunctionWithControlOutputs(void* g, const char* name, uint8_t hash, int n, void* ops, int ni, void* in, int no, void* out, void* names, int nc, void* cn, void* cnames, void* o, void* d, void* s)",
    ),
    deleteFunction: f("void TF_DeleteFunction(void* f)"),
    newContextOptions: f("void* TFE_NewContextOptions()"),
    deleteContextOptions: f("void TFE_DeleteContextOptions(void* o)"),
    setContextConfig: f("void TFE_ContextOptionsSetConfig(void* o, const void* proto, size_t length, void* s)"),
    newContext: f("void* TFE_NewContext(void* o, void* s)"),
    deleteContext: f("void TFE_DeleteContext(void* c)"),
    addFunction: f("void TFE_ContextAddFunction(void* c, void* f, void* s)"),
    listDevices: f("void* TFE_ContextListDevices(void* c, void* s)"),
    deviceCount: f("int TF_DeviceListCount(void* list)"),
    deviceType: f("const char* TF_DeviceListType(void* list, int i, void* s)"),
    deviceName: f("const char* TF_DeviceListName(void* list, int i, void* s)"),
    deleteDeviceList: f("void TF_DeleteDeviceList(void* list)"),
    operationByName: f("void* TF_GraphOperationByName(void* g, const char* name)"),
    allocateTensor: f("void* TF_AllocateTensor(int dtype, const int64_t* dims, int rank, size_t bytes)"),
    tensorData: f("void* TF_TensorData(void* t)"),
    tensorBytes: f("size_t TF_TensorByteSize(void* t)"),
    deleteTensor: f("void TF_DeleteTensor(void* t)"),
    newTensorHandle: f("void* TFE_NewTensorHandle(void* t, void* s)"),
    resolveHandle: f("void* TFE_TensorHandleResolve(void* h, void* s)"),
    deleteTensorHandle: f("void TFE_DeleteTensorHandle(void* h)"),
    newOp: f("void* TFE_NewOp(void* c, const char* name, void* s)"),
    deleteOp: f("void TFE_DeleteOp(void* op)"),
    setDevice: f("void TFE_OpSetDevice(void* op, const char* device, void* s)"),
    setAttribute: f("void TFE_OpSetAttrValueProto(void* op, const char* name, const void* proto, size_t length, void* s)"),
    addInput: f("void TFE_OpAddInput(void* op, void* h, void* s)"),
    execute: f("void TFE_Execute(void* op, void* results, void* count, void* s)"),
    settleGpu() {
      // No part of the C API: tsl::enable_tensor_float_32_execution(bool) and tsl::EnableOpDeterminism(bool).
      const framework = koffi.load(location.frameworkLibrary);
      const set = (symbol: string, isOn: boolean) => (framework.func(`void ${symbol}(bool on)`) as (on: boolean) => void)(isOn);
      set("_ZN3tsl32enable_tensor_float_32_executionEb", false);
      set("_ZN3tsl19EnableOpDeterminismEb", true);
    },
  };
  return loaded;
}

/** What TensorFlow reads from the environment while it loads, to which Node's process.env belongs. What the user has set stays. */
function prepareEnvironment(): void {
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= ERRORS_ONLY;
  process.env["TF_ENABLE_ONEDNN_OPTS"] ??= "1";
  // Else all contexts of the process share the threads of the first, and a lane would have more than one.
  process.env["TF_OVERRIDE_GLOBAL_THREADPOOL"] ??= "1";
}

const ERRORS_ONLY = "2";
const CALL_STACK_BYTES = 8 * 2 ** 20;
const STDERR = 2;
const WRITE_ONLY = 1;
const RTLD_NOW = 2;

/**
 * Loads TensorFlow for good. Unloading it at exit runs its static destructors in an order that crashes: it is pinned in memory. While it loads it
 * writes two lines about oneDNN to stderr, before any log level counts: that descriptor leads nowhere meanwhile, unless the user asked for such lines.
 */
function keepLoaded({ ccLibrary, frameworkLibrary }: LibtensorflowLocation): void {
  if (process.platform === "win32") return;
  const RTLD_NODELETE = process.platform === "darwin" ? 0x80 : 0x1000;
  const system = koffi.load(process.platform === "darwin" ? "libSystem.dylib" : "libc.so.6");
  const f = (definition: string) => system.func(definition) as never;
  const dlopen = f("void* dlopen(const char* path, int flags)") as (path: string, flags: number) => Pointer | null;
  const load = (path: string) => {
    if (dlopen(path, RTLD_NOW | RTLD_NODELETE) !== null) return;
    throw new ConfigError({
      who: "openEngine",
      argument: path,
      expected: "a loadable libtensorflow",
      received: "a file the dynamic linker refuses",
      fix: "Delete its folder and run the installer again",
    });
  };
  const open = f("int open(const char* path, int flags)") as (path: string, flags: number) => number;
  const dup = f("int dup(int descriptor)") as (descriptor: number) => number;
  const dup2 = f("int dup2(int from, int to)") as (from: number, to: number) => number;
  const close = f("int close(int descriptor)") as (descriptor: number) => number;
  const saved = process.env["TF_CPP_MIN_LOG_LEVEL"] === "0" ? -1 : dup(STDERR);
  if (saved >= 0) {
    const nowhere = open("/dev/null", WRITE_ONLY);
    dup2(nowhere, STDERR);
    close(nowhere);
  }
  try {
    load(frameworkLibrary);
  } finally {
    if (saved >= 0) {
      dup2(saved, STDERR);
      close(saved);
    }
  }
  load(ccLibrary);
}
