// Teachers that hang, fail, refuse and die behind real HTTP: every question is answered once, and none is lost.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openModelServer } from "@longcot/model-server";
import { startUnreliableServer, type Behaviour, type UnreliableServer } from "@longcot/vitest-config/unreliable-server";
import { afterAll, expect, test } from "vitest";
import { openAnswerLog } from "./answer-log.ts";
import { createTeacherPool } from "./ask-teachers.ts";
import { serverTeacher } from "./server-teacher.ts";
import type { Teacher, TeacherQuestion } from "./teacher.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-teachers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const questions = (count: number): TeacherQuestion[] =>
  Array.from({ length: count }, (_, problem) => ({ problem, sample: 0, messages: [{ role: "user", content: `q${problem}` }] }));
const echo = ({ messages }: UnreliableServer["requests"][number]): Behaviour => ({ text: `re: ${messages.at(-1)!.content}` });

interface Served {
  teacher: Teacher;
  server: UnreliableServer;
}

async function serve(
  behave: Parameters<typeof startUnreliableServer>[0],
  { name = "teacher", retries = 3, timeoutMs = 20_000, graceMs = 100 } = {},
): Promise<Served> {
  const server = await startUnreliableServer(behave);
  const client = openModelServer({ url: server.url, model: name, timeoutMs, retries, concurrency: 3 });
  return { server, teacher: serverTeacher(client, { concurrency: 3, sampling: { maxTokens: 9 }, seed: 5, graceMs }) };
}

test("two servers that hang, err, rate-limit and break: each question is answered once", async () => {
  const faults: Behaviour[] = ["hang", { status: 500 }, { status: 429 }, "break", { status: 503 }, "hang"];
  const one = await serve((body, number) => faults[number] ?? echo(body), { name: "one", timeoutMs: 1500 });
  const two = await serve((body, number) => (number % 4 === 1 ? { status: 429 } : echo(body)), { name: "two" });
  const answered: string[] = [];
  await createTeacherPool([one.teacher, two.teacher]).ask(questions(40), {
    onAnswer: ({ text, teacher }, { problem }) => {
      expect(text).toBe(`re: q${problem}`);
      expect(["one", "two"]).toContain(teacher);
      answered.push(`${problem}`);
    },
  });
  expect(answered.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
  expect(one.server.requests[0]).toMatchObject({ model: "one", seed: 5, max_tokens: 9 });
  await one.server.close();
  await two.server.close();
});

test("a server that dies is asked no more: the other takes over what it had", async () => {
  const dying = await serve((body, number) => (number < 4 ? echo(body) : "break"), { name: "dying", retries: 0 });
  const living = await serve((body) => echo(body), { name: "living" });
  const answered = new Set<number>();
  const lost: string[] = [];
  await createTeacherPool([dying.teacher, living.teacher]).ask(questions(30), {
    onAnswer: (_, { problem }) => answered.add(problem),
    onTeacherLost: ({ name }, error) => lost.push(`${name}: ${(error as Error).message.split(",")[0]!}`),
  });
  expect(answered.size).toBe(30);
  expect(lost).toEqual([expect.stringMatching(/^dying: dying at http.*: expected an answer$/)]);
  await dying.server.close();
  await living.server.close();
});

test("when the last one dies the answers so far are in the log, and the next run asks only for the rest", async () => {
  const path = join(folder, "answers.jsonl");
  const run = async (served: Served) => {
    const log = openAnswerLog(path);
    const open = questions(12).filter((question) => log.get(question) === undefined);
    try {
      await createTeacherPool([served.teacher]).ask(open, { onAnswer: (answer, question) => log.add(question, answer) });
    } finally {
      log.close();
      await served.server.close();
    }
    return open.length;
  };
  const dying = await serve((body, number) => (number < 7 ? echo(body) : "break"), { retries: 0 });
  await expect(run(dying)).rejects.toThrow(
    /^teachers: expected one that answers, got none; the last, teacher: .*no connection.*start again to go on/s,
  );
  const kept = readFileSync(path, "utf8").split("\n").length - 1;
  expect(kept).toBe(7);
  expect(await run(await serve((body) => echo(body)))).toBe(5);
  expect(await run(await serve(() => "break"))).toBe(0);
});

test("a question that is refused is said so and the rest goes on; many in a row are the server's fault", async () => {
  const picky = await serve((body) => (body.messages.at(-1)!.content === "q3" ? { status: 400 } : echo(body)));
  const refused: [number, string][] = [];
  await createTeacherPool([picky.teacher]).ask(questions(8), {
    onAnswer: (answer, { problem }) => answer.refused !== undefined && refused.push([problem, answer.refused]),
  });
  expect(refused).toEqual([[3, "400 not now"]]);
  await picky.server.close();

  const deaf = await serve(() => ({ status: 400 }));
  await expect(createTeacherPool([deaf.teacher]).ask(questions(40), { onAnswer: () => {} })).rejects.toThrow("status 400");
  expect(deaf.server.requests.length).toBeLessThan(15);
  await deaf.server.close();
});

test("after an abort nothing more is asked; what is under way is waited for, but not for ever", async () => {
  const slow = await serve((body, number) => (number % 3 === 2 ? "hang" : echo(body)), { retries: 0 });
  const controller = new AbortController();
  const answered: number[] = [];
  const asking = createTeacherPool([slow.teacher]).ask(questions(9), {
    signal: controller.signal,
    onAnswer: (_, { problem }) => {
      answered.push(problem);
      controller.abort(new Error("enough"));
    },
  });
  await expect(asking).rejects.toThrow("enough");
  expect(answered.toSorted((a, b) => a - b)).toEqual([0, 1]);
  expect(slow.server.requests).toHaveLength(3);
  await slow.server.close();
});
