// Entropy of a policy: measures, controllers of its bonus, alarms.
export { defaultAlarmThresholds, entropyAlarm } from "./alarms/entropy-alarm.ts";
export type { EntropyAlarm, EntropyAlarmThresholds, EntropyHistory } from "./alarms/entropy-alarm.ts";
export { adaptiveController, adaptivePresets } from "./controllers/adaptive.ts";
export type { AdaptiveControllerOptions, AdaptiveRule } from "./controllers/adaptive.ts";
export { constantController, noneController } from "./controllers/constant.ts";
export type { ConstantControllerOptions, NoneControllerOptions } from "./controllers/constant.ts";
export type { EntropyController, EntropyControllerState, EntropyStep } from "./controllers/entropy-controller.ts";
export { createEntropyController, entropyControllers } from "./controllers/registry.ts";
export type { EntropyControllerKind, EntropyControllerOptions } from "./controllers/registry.ts";
export { entropyByKey } from "./measures/entropy-by-key.ts";
export type { KeyEntropy } from "./measures/entropy-by-key.ts";
export { gradientScales } from "./measures/gradient-scales.ts";
export type { GradientScales } from "./measures/gradient-scales.ts";
export { meanEntropy, monteCarloEntropy } from "./measures/mean-entropy.ts";
export type { TokenMask } from "./measures/token-columns.ts";
