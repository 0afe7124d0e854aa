// Installs and finds TensorFlow's C library.
export { diagnose } from "./diagnose.ts";
export type { Diagnosis, Missing } from "./diagnose.ts";
export { EAGER_BACKEND, registerEagerBackend } from "./eager-backend.ts";
export type { TfjsCore } from "./eager-backend.ts";
export { buildEagerBinding, locateEagerBinding } from "./eager-binding.ts";
export type { EagerBinding, EagerBindingOptions } from "./eager-binding.ts";
export { installLibtensorflow } from "./install.ts";
export type { InstallOptions, InstallOutcome } from "./install.ts";
export { LIBRARY_VARIABLE, locateLibtensorflow } from "./locate.ts";
export type { LibtensorflowLocation } from "./locate.ts";
export { createNarrator } from "./narrator.ts";
export type { Narrator, NarratorOutput } from "./narrator.ts";
export { TENSORFLOW_VERSION } from "./release.ts";
export type { Variant } from "./release.ts";
export { findTfjsPackage } from "./tfjs-package.ts";
