// Who asks the questions: a person's answers in a terminal. The conversation is on stderr, so that stdout has the result only.

import { makeStyle, type Style } from "../terminal.ts";

export interface TextQuestion {
  readonly message: string;
  /** What an empty answer means; null: an empty answer is one itself. */
  readonly fallback: string | null;
  /** Shown where there is no fallback. */
  readonly example?: string;
  /** What is wrong with an answer; null: nothing. */
  readonly problem: (answer: string) => string | null;
}

interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

export interface ChoiceQuestion<Value extends string> {
  readonly message: string;
  readonly choices: readonly Choice<Value>[];
  /** What Enter alone chooses. */
  readonly first: Value;
}

/** Every question throws `Cancelled` when the person leaves. */
export interface Asker {
  text(question: TextQuestion): Promise<string>;
  choose<Value extends string>(question: ChoiceQuestion<Value>): Promise<Value>;
  confirm(message: string, first: boolean): Promise<boolean>;
  /** The first words of a row of questions. */
  begin(title: string): void;
  /** Something to read between the questions, a paragraph of its own. */
  say(text: string): void;
  readonly style: Style;
  /** The columns that `say` has. */
  readonly columns: number;
}

/** The person left: Ctrl-C, Escape, Ctrl-D, or a terminal that is gone. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** Is there a person to ask? */
export function canAsk(): boolean {
  return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

/** The one for this terminal. */
export async function openAsker(print: (text: string) => void): Promise<Asker> {
  const env = Deno.env.toObject();
  const look = { print, style: makeStyle({ isTerminal: true, env }), columns: columnsOfTerminal() };
  // Prompts that redraw themselves need a cursor that can be moved.
  if (!env.TERM || env.TERM === "dumb") {
    const { PlainAsker } = await import("./asker_plain.ts");
    return new PlainAsker(look);
  }
  const { openClackAsker } = await import("./asker_clack.ts");
  return await openClackAsker(look, speaksUnicode(env));
}

/** The terminal, for an asker. */
export interface Look {
  readonly print: (text: string) => void;
  readonly style: Style;
  readonly columns: number;
}

/** As the C library decides it: the first of the three that is set. */
function speaksUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || "");
}

function columnsOfTerminal(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** For stderr where no person was asked: it may be a file. */
export const NO_STYLE: Style = makeStyle({ isTerminal: false, env: {} });
