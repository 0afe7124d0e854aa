// Ctrl-C: the first asks the work to stop where it is safe, the second ends the process.

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM. */
  signal: AbortSignal;
  /** 130 or 143 after a signal, else 0. */
  exitCode: () => number;
  /** Gives the signals back to Node. */
  dispose: () => void;
}

/** Listens until disposed; `onFirst` is called once, when the first signal comes. */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController();
  let exitCode = 0;
  const listen = (name: keyof typeof EXIT_CODES) => () => {
    if (controller.signal.aborted) process.exit(EXIT_CODES[name]);
    exitCode = EXIT_CODES[name];
    controller.abort();
    onFirst();
  };
  const listeners = { SIGINT: listen("SIGINT"), SIGTERM: listen("SIGTERM") };
  process.on("SIGINT", listeners.SIGINT);
  process.on("SIGTERM", listeners.SIGTERM);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => {
      process.off("SIGINT", listeners.SIGINT);
      process.off("SIGTERM", listeners.SIGTERM);
    },
  };
}
