// The README's examples run and print what the README says.
import { fileURLToPath } from "node:url";
import { testReadmeExamples } from "@longcot/vitest-config/readme-examples";

testReadmeExamples(fileURLToPath(new URL("..", import.meta.url)), 3);
