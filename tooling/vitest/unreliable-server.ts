// A server that answers like OpenAI's API, and now and then as real ones do: not at all, too late, or with an error.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What the server does with a request: answers, sends a status, hangs, breaks the connection, or does so in the middle of an answer. */
export type Behaviour =
  | { readonly text: string }
  /** Of an embedding request: a vector for each of its inputs. */
  | { readonly vectors: readonly (readonly number[])[] }
  | { readonly status: number }
  | "hang"
  | "break"
  | "cut"
  | "stall";

export interface UnreliableServer {
  readonly url: string;
  /** Bodies of the requests so far. */
  readonly requests: readonly {
    model: string;
    messages: { role: string; content: string }[];
    seed?: number;
    max_tokens?: number;
    /** Of an embedding request. */
    input?: string[];
  }[];
  close(): Promise<void>;
}

/** Starts a server on loopback; `behave` is asked for each request, in order of arrival. */
export async function startUnreliableServer(
  behave: (body: UnreliableServer["requests"][number], number: number) => Behaviour,
): Promise<UnreliableServer> {
  const requests: UnreliableServer["requests"][number][] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await text(request)) as UnreliableServer["requests"][number];
    requests.push(body);
    const behaviour = behave(body, requests.length - 1);
    if (behaviour === "hang") return;
    if (behaviour === "break") {
      response.destroy();
      return;
    }
    if (behaviour === "cut" || behaviour === "stall") {
      response.writeHead(200, { "content-type": "application/json", "content-length": 100 });
      response.write('{"choices": [{"message": {"content": "half an', () => behaviour === "cut" && response.destroy());
      return;
    }
    const isAnswer = !("status" in behaviour);
    response.writeHead(isAnswer ? 200 : behaviour.status, {
      "content-type": "application/json",
      ...(isAnswer ? {} : { "retry-after-ms": "1" }),
    });
    response.end(
      JSON.stringify(
        "vectors" in behaviour
          ? { object: "list", data: behaviour.vectors.map((embedding, index) => ({ object: "embedding", index, embedding })) }
          : "text" in behaviour
            ? {
                choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: behaviour.text } }],
                usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
              }
            : { error: { message: "not now" } },
      ),
    );
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
