// The questions as prompts that redraw themselves.

import process from "node:process";
import type * as Clack from "@clack/prompts";
import type { Style } from "../terminal.ts";
import {
  type Asker,
  Cancelled,
  type ChoiceQuestion,
  type Look,
  type TextQuestion,
} from "./asker.ts";

export async function openClackAsker(look: Look, unicode: boolean): Promise<Asker> {
  return new ClackAsker(look, await load(unicode));
}

/** The library chooses its symbols when it is loaded, and takes only the Linux console for one without Unicode. */
async function load(unicode: boolean): Promise<typeof Clack> {
  const { TERM } = process.env;
  if (!unicode) process.env.TERM = "linux";
  try {
    return await import("@clack/prompts");
  } finally {
    if (!unicode && TERM !== undefined) process.env.TERM = TERM;
  }
}

type Cancel = typeof Clack.CANCEL_SYMBOL;

interface Terminal {
  readonly input: typeof process.stdin;
  readonly output: typeof process.stderr;
  readonly signal: AbortSignal;
}

class ClackAsker implements Asker {
  readonly style: Style;
  readonly columns: number;

  constructor({ style, columns }: Look, private readonly clack: typeof Clack) {
    this.style = style;
    // To the left stands a line that connects the questions.
    this.columns = columns - "│  ".length;
  }

  begin(title: string): void {
    this.clack.intro(this.style.bold(title), { output: process.stderr });
  }

  say(text: string): void {
    this.clack.log.message(text, { output: process.stderr });
  }

  async text({ message, fallback, example, problem }: TextQuestion): Promise<string> {
    const given = (answer: string | undefined): string => answer?.trim() || (fallback ?? "");
    const shown = fallback ?? example;
    const answer = await this.#ask((terminal) =>
      this.clack.text({
        message,
        ...shown === undefined ? {} : { placeholder: shown },
        ...fallback === null ? {} : { defaultValue: fallback },
        validate: (answer) => problem(given(answer)) ?? undefined,
        ...terminal,
      })
    );
    return given(answer);
  }

  async choose<Value extends string>(
    { message, choices, first }: ChoiceQuestion<Value>,
  ): Promise<Value> {
    const options = choices.map(({ value, label }) => ({ value: String(value), label }));
    const chosen = await this.#ask((terminal) =>
      this.clack.select<string>({
        message,
        options,
        initialValue: first,
        showInstructions: false,
        ...terminal,
      })
    );
    return choices.find(({ value }) => value === chosen)?.value ?? first;
  }

  async confirm(message: string, first: boolean): Promise<boolean> {
    return await this.#ask((terminal) =>
      this.clack.confirm({ message, initialValue: first, ...terminal })
    );
  }

  /**
   * The library does not notice that its input has ended (Ctrl-D, a terminal that is gone) and would wait for ever. What
   * it does then, as after each answer, is to pause the input: without an answer that is the end.
   */
  async #ask<Answer>(ask: (terminal: Terminal) => Promise<Answer | Cancel>): Promise<Answer> {
    const { stdin: input, stderr: output } = process;
    const left = new AbortController();
    const leave = (): void => left.abort();
    // The answer of a prompt that pauses because it has one is there before any timer.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onPause = (): void => {
      timer ??= setTimeout(leave, 0);
    };
    const events = [["pause", onPause], ["end", onPause], ["error", leave]] as const;
    for (const [event, listener] of events) input.on(event, listener);
    try {
      const answer = await ask({ input, output, signal: left.signal });
      if (this.clack.isCancel(answer)) throw new Cancelled("The questions were left");
      return answer;
    } finally {
      clearTimeout(timer);
      for (const [event, listener] of events) input.off(event, listener);
    }
  }
}
