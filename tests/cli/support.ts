// A host's configuration and store in a folder of their own, and the command line run on them in this process.

import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { runCommandLine } from "../../src/cli/main.ts";
import type { Output } from "../../src/cli/context.ts";
import { makeStyle } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config.ts";
import { writerSettings } from "../../src/host/mod.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { openWriterHere, type Sent, StoreWriter } from "../../src/store/mod.ts";
import type { Bytes } from "../../src/wire/mod.ts";
import { draft, type Fields, type Message } from "../support/message.ts";

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as it was written. */
  readonly bytes: Bytes;
}

export interface NewMessage {
  readonly from: string;
  readonly to: readonly string[];
  readonly topic?: string;
  readonly replyTo?: number;
  readonly body?: string;
}

export class Place implements Disposable {
  readonly dir = Deno.makeTempDirSync({ prefix: "fmsg-cli-" });
  readonly config = join(this.dir, "fmsg.yaml");

  /** A host of the domain; `more` are further lines of its configuration. */
  constructor(readonly domain = "a.test", more = "") {
    Deno.writeTextFileSync(this.config, `domain: ${domain}\ndata_dir: data\n${more}`);
  }

  /** Runs a command as on a terminal of so many columns without colours, or as into a pipe. */
  async run(words: readonly string[], columns?: number): Promise<Ran> {
    const output = capturing(columns);
    // Behind "--", nothing is an option any more.
    const at = words.indexOf("--");
    const end = at < 0 ? words.length : at;
    const config = ["--config", this.config];
    const status = await runCommandLine(
      [...words.slice(0, end), ...config, ...words.slice(end)],
      output.to,
    );
    return { status, ...output.taken() };
  }

  /** Runs a command that has to succeed; its JSON. */
  async json(...words: string[]): Promise<unknown> {
    const ran = await this.run([...words, "--json"]);
    if (ran.status !== 0) throw new Error(`${words.join(" ")}: ${ran.stderr}`);
    return JSON.parse(ran.stdout);
  }

  async addUsers(...names: string[]): Promise<void> {
    for (const name of names) await this.json("user", "add", `@${name}@${this.domain}`);
  }

  async send(message: NewMessage): Promise<Sent> {
    const bytes = new TextEncoder().encode(message.body ?? "");
    const sent = await this.#write((writer) =>
      writer.submit("send", {
        from: message.from,
        to: message.to,
        start: message.replyTo === undefined
          ? { topic: message.topic ?? "" }
          : { replyTo: message.replyTo },
        body: { type: "text/plain;charset=UTF-8", size: bytes.length, expandedSize: null },
        attachments: [],
        content: { kind: "inline", bytes },
        important: false,
        noReply: false,
      })
    );
    if (isProblem(sent)) throw new Error(sent.message);
    return sent;
  }

  async addTo(message: number, from: string, ...to: string[]): Promise<Sent> {
    const sent = await this.#write((writer) => writer.submit("addTo", { message, from, to }));
    if (isProblem(sent)) throw new Error(sent.message);
    if (sent.kind === "drafted") throw new Error("The message is a draft");
    return sent;
  }

  /** Takes a message as it comes from another host. */
  async receive(fields: Fields | Message): Promise<Message> {
    const [message] = await this.receiveAll([fields]);
    if (message === undefined) throw new Error("No message came of it");
    return message;
  }

  /** Takes messages together, which is quicker than one by one. */
  async receiveAll(all: readonly (Fields | Message)[]): Promise<Message[]> {
    const messages = all.map((fields) => "headerHash" in fields ? fields : draft(fields));
    await this.#write((writer) =>
      Promise.all(messages.map((message) =>
        writer.submit("accept", {
          header: message.header,
          headerHash: message.headerHash,
          messageHash: message.hash,
          content: { kind: "inline", bytes: message.payload },
          answer: null,
        })
      ))
    );
    return messages;
  }

  /** Takes a batch whose original is here, so that no content came with it. */
  async receiveBatch(batch: Message): Promise<void> {
    await this.#write((writer) =>
      writer.submit("accept", {
        header: batch.header,
        headerHash: batch.headerHash,
        messageHash: null,
        content: null,
        answer: batch.hash,
      })
    );
  }

  async #write<Result>(work: (writer: StoreWriter) => Promise<Result>): Promise<Result> {
    const config = loadConfig(this.config);
    Deno.mkdirSync(config.data_dir, { recursive: true });
    await using writer = new StoreWriter(openWriterHere(config.data_dir, writerSettings(config)));
    return await work(writer);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** Does the text hold anything that a terminal would obey? Line breaks are the only controls of ours. */
export function isHarmless(text: string): boolean {
  return stripVTControlCharacters(text) === text &&
    !/[^\P{Control}\n]|\p{Bidi_Control}/u.test(text);
}

/** An output that keeps what is written to it. */
export function capturing(
  columns?: number,
): { readonly to: Output; taken(): Omit<Ran, "status"> } {
  const isTerminal = columns !== undefined;
  const out: Uint8Array[] = [];
  const err: string[] = [];
  return {
    to: {
      isTerminal,
      columns: columns ?? Infinity,
      style: makeStyle({ isTerminal, env: { NO_COLOR: "1" } }),
      print: (text) => void out.push(new TextEncoder().encode(`${text}\n`)),
      write: (bytes) => Promise.resolve(void out.push(bytes.slice())),
      note: (text) => void err.push(`${text}\n`),
    },
    taken: () => {
      const bytes = new Uint8Array(out.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of out) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return { stdout: new TextDecoder().decode(bytes), stderr: err.join(""), bytes };
    },
  };
}
