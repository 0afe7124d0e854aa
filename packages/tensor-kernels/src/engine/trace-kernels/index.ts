// Every kernel of the trace backend, registered by importing this file.
import "./elementwise.ts";
import "./indexing.ts";
import "./linear-algebra.ts";
import "./reductions.ts";
import "./shapes.ts";
