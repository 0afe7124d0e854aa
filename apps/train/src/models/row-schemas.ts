// What a line of each command's input must hold. Messages complete the sentence "… must be …".
import { z } from "zod";

const id = z.union([z.string(), z.number()], "a string or a number");
const tokenIds = z.array(z.int("a token id").nonnegative("a token id"), "a list of token ids").nonempty("a list of at least one token id");
const text = z.string("a string");
const messages = z
  .array(z.looseObject({ role: z.string("a string"), content: z.unknown() }, "a message with role and content"), "a list of messages")
  .nonempty("a list of at least one message");

/** Exactly one of `keys`; the others are undefined. */
function oneOf(...keys: readonly string[]): [(row: object) => boolean, string] {
  return [
    (row) => keys.filter((key) => row[key as keyof typeof row] !== undefined).length === 1,
    `an object with one of ${keys.join(", ")}`,
  ];
}

export const scoreRow = z.object({ id, input_ids: tokenIds }, "an object");

export const generateRow = z
  .object({ id, prompt: text.optional(), messages: messages.optional(), input_ids: tokenIds.optional() }, "an object")
  .refine(...oneOf("prompt", "messages", "input_ids"));

export const tokenizeRow = z
  .object({ id, text: text.optional(), messages: messages.optional() }, "an object")
  .refine(...oneOf("text", "messages"));

export const gradeRow = z.object(
  {
    id,
    ability: z.enum(["math", "code"], '"math" or "code"'),
    response: text,
    // A text, or several that are all accepted; anything else is the data's fault and graded invalid_ground_truth.
    ground_truth: z.unknown().refine((value) => value !== undefined, "given"),
    // What a reward function of one's own may want to know.
    data_source: text.optional(),
    prompt: messages.optional(),
    extra_info: z.record(z.string(), z.unknown(), "an object").optional(),
  },
  "an object",
);

export type ScoreRow = z.infer<typeof scoreRow>;
export type GenerateRow = z.infer<typeof generateRow>;
export type TokenizeRow = z.infer<typeof tokenizeRow>;
export type GradeRow = z.infer<typeof gradeRow>;
