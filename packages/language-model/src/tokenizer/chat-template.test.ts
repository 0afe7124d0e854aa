// Expected texts: jinja2 3.1 as transformers 5.23 sets it up, by hand from its rules; see also tokenizer.test.ts, exact on real renderings.
import { ConfigError, DataError } from "@longcot/errors";
import { expect, test } from "vitest";
import { compileChatTemplate } from "./chat-template.ts";

const render = (source: string, options = {}, messages: { role: string; content: string }[] = []) =>
  compileChatTemplate(source, { eos_token: "</s>" }, "model")(messages, options);

test("block lines leave no whitespace: trim_blocks and lstrip_blocks, and one final newline goes", () => {
  const source =
    "{% for message in messages %}\n  {% if true %}\n{{ message.role }}:{{ message['content'] }}\n  {% endif %}\n{% endfor %}\nend\n";
  expect(
    render(source, {}, [
      { role: "user", content: " a\n" },
      { role: "x", content: "b" },
    ]),
  ).toBe("user: a\n\nx:b\nend");
});

test("any line ending is a line feed", () => {
  expect(render("a\r\n{% if true %}\r\nb\r{% endif %}")).toBe("a\nb\n");
});

test("gives the variables that transformers gives; options overrule special tokens", () => {
  const source =
    "{{ eos_token }}{{ '|prompt' if add_generation_prompt }}{{ '|no tools' if tools is none }}{{ '|no documents' if documents is none }}|{{ mode }}";
  expect(render(source, { mode: "x" })).toBe("</s>|no tools|no documents|x");
  expect(render(source, { eos_token: "E", addGenerationPrompt: true, tools: [], mode: 3 })).toBe("E|prompt|no documents|3");
});

test("tojson neither escapes HTML nor non-ASCII, and separates as Python does", () => {
  expect(render("{{ x | tojson }}", { x: { a: [1, "<é>"], b: null } })).toBe('{"a": [1, "<é>"], "b": null}');
});

test("strftime_now gives today's date", () => {
  expect(render("{{ strftime_now('%Y') }}")).toBe(String(new Date().getFullYear()));
});

test("reasoning under any of its names reaches reasoning_content and thinking", () => {
  const template = compileChatTemplate("{{ messages[0].reasoning_content }}/{{ messages[0].thinking }}", {}, "model");
  for (const field of ["reasoning", "thinking", "reasoning_content"]) {
    expect(template([{ role: "assistant", content: "", [field]: "why" }])).toBe("why/why");
  }
});

test("a template that refuses or does not parse gives one line", () => {
  expect(() => render("{{ raise_exception('no system role') }}")).toThrow(DataError);
  expect(() => render("{{ raise_exception('no system role') }}")).toThrow(
    "model: expected messages that its chat template accepts, got no system role",
  );
  expect(() => render("{% if %}")).toThrow(ConfigError);
});
