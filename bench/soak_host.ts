// A host of the soak: what is asked of it as a command would, and what has to be in its store for that.

import { connectToHost, type HostConnection, type Status } from "../src/host/mod.ts";
import { stageParts } from "../src/host/parts.ts";
import { isProblem } from "../src/protocol/mod.ts";
import { Mailbox, type MessageFields, StoreWriter } from "../src/store/mod.ts";
import { ACCEPT, ACCEPT_ADD_TO } from "../src/wire/mod.ts";
import type { HostProcess } from "../tests/support/host_process.ts";

export interface Part {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export class SoakHost implements AsyncDisposable {
  readonly process: HostProcess;
  readonly mailbox: Mailbox;
  readonly #control: HostConnection;
  readonly #writer: StoreWriter;
  /** Rows of messages that were made by what was sent from here, and that deleting took away. */
  #sent = 0;
  #deleted = 0;

  private constructor(
    process: HostProcess,
    control: HostConnection,
    writer: StoreWriter,
  ) {
    this.process = process;
    this.mailbox = new Mailbox(process.dataDir);
    this.#control = control;
    this.#writer = writer;
  }

  static async of(process: HostProcess): Promise<SoakHost> {
    const control = await connected(process);
    return new SoakHost(process, control, new StoreWriter(await connected(process)));
  }

  status(): Promise<Status> {
    return this.#control.status();
  }

  /** Sends; gives the message's id, or null where the host refuses it. */
  async send(
    message: Pick<MessageFields, "from" | "to" | "start">,
    body: Part,
    attachments: readonly Part[] = [],
  ): Promise<number | null> {
    const inputs = [body, ...attachments].map(({ type, bytes }) => ({
      type,
      open: () => once(bytes),
    }));
    await using staged = await stageParts(this.#writer, inputs);
    const [first, ...others] = staged.parts;
    if (first === undefined) throw new RangeError("A message without a body");
    const sent = await this.#writer.submit("send", {
      ...message,
      body: first,
      attachments: others.map((part, i) => ({ ...part, filename: `attachment ${i}` })),
      content: staged.content,
      important: false,
      noReply: false,
    });
    if (isProblem(sent)) return null;
    staged.adopted();
    this.#sent++;
    return sent.id;
  }

  async addTo(message: number, from: string, to: readonly string[]): Promise<boolean> {
    const added = await this.#writer.submit("addTo", { message, from, to });
    if (!isProblem(added)) this.#sent++;
    return !isProblem(added);
  }

  /** Deletes a message that has no batches. */
  async delete(message: number): Promise<boolean> {
    const deleted = await this.#writer.submit("delete", { message, for: null });
    if (isProblem(deleted)) return false;
    if (deleted.gone) this.#deleted++;
    return deleted.gone;
  }

  addUser(address: string): Promise<boolean> {
    return this.#writer.submit("addUser", { address, name: "", accepting: true, limits: {} });
  }

  removeUser(address: string): Promise<boolean> {
    return this.#writer.submit("removeUser", { key: address });
  }

  /** Everything that waits is due now. */
  async retry(): Promise<void> {
    await this.#writer.submit("retry", { message: null });
  }

  /** Messages and batches that have to be stored now: those that its log says it took, and its own. */
  expected(): number {
    const taken = new Set<unknown>();
    for (const { direction, codes, header_hash } of this.process.log) {
      if (direction !== "in" || !Array.isArray(codes)) continue;
      if (codes.includes(ACCEPT) || codes.includes(ACCEPT_ADD_TO)) taken.add(header_hash);
    }
    return taken.size + this.#sent - this.#deleted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mailbox[Symbol.dispose]();
    this.#control[Symbol.dispose]();
    await this.#writer[Symbol.asyncDispose]();
  }
}

async function connected(process: HostProcess): Promise<HostConnection> {
  const connection = await connectToHost(process.dataDir);
  if (connection === null) throw new Error(`${process.domain} does not answer`);
  return connection;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
