// The questions line by line, for terminals that only print one line after another.

import process from "node:process";
import type { Style } from "../terminal.ts";
import { createInterface } from "node:readline";
import {
  type Asker,
  Cancelled,
  type ChoiceQuestion,
  type Look,
  type TextQuestion,
} from "./asker.ts";

export class PlainAsker implements Asker {
  readonly style: Style;
  readonly columns: number;
  readonly #print: (text: string) => void;

  constructor({ style, columns, print }: Look) {
    this.style = style;
    this.columns = columns;
    this.#print = print;
  }

  begin(title: string): void {
    this.#print(`${title}\n`);
  }

  say(text: string): void {
    this.#print(`\n${text}\n`);
  }

  async text({ message, fallback, example, problem }: TextQuestion): Promise<string> {
    const hint = fallback !== null ? ` [${fallback}]` : example ? ` (${example})` : "";
    return await this.#until(`${message}${hint}: `, (line) => {
      const answer = line || (fallback ?? "");
      const wrong = problem(answer);
      return wrong === null ? { answer } : { wrong };
    });
  }

  async choose<Value extends string>(
    { message, choices, first }: ChoiceQuestion<Value>,
  ): Promise<Value> {
    const labels = choices.map(({ label }, index) => `  ${index + 1}  ${label}`);
    this.#print([message, ...labels].join("\n"));
    const usual = choices.findIndex(({ value }) => value === first) + 1;
    return await this.#until(`Number [${usual}]: `, (line) => {
      const chosen = choices[Number(line || usual) - 1];
      return chosen === undefined
        ? { wrong: `Type a number from 1 to ${choices.length}` }
        : { answer: chosen.value };
    });
  }

  async confirm(message: string, first: boolean): Promise<boolean> {
    return await this.#until(`${message} [${first ? "Y/n" : "y/N"}]: `, (line) => {
      if (line === "") return { answer: first };
      if (/^y(es)?$/i.test(line)) return { answer: true };
      return /^no?$/i.test(line) ? { answer: false } : { wrong: "Type y or n" };
    });
  }

  async #until<Answer>(
    prompt: string,
    read: (line: string) => { readonly answer: Answer } | { readonly wrong: string },
  ): Promise<Answer> {
    for (;;) {
      const result = read((await readLine(prompt)).trim());
      if ("answer" in result) return result.answer;
      this.#print(result.wrong);
    }
  }
}

/** The terminal itself edits the line. Ctrl-C is a signal, which the listener takes from ending the process at once. */
function readLine(prompt: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const cancel = (): void => {
    // The prompt's line has no end yet.
    process.stderr.write("\n");
    reject(new Cancelled("The questions were left"));
  };
  Deno.addSignalListener("SIGINT", cancel);
  lines.once("close", cancel);
  lines.question(prompt, resolve);
  return promise.finally(() => {
    Deno.removeSignalListener("SIGINT", cancel);
    lines.off("close", cancel);
    lines.close();
  });
}
