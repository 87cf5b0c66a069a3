// fmsg send: a new message or a reply, from a user of this host.

import { basename } from "node:path";
import type { Command } from "commander";
import { typeOfBody, typeOfFile } from "../host/file_type.ts";
import { type PartInput, stageParts } from "../host/parts.ts";
import type { Sent, StoreWriter } from "../store/mod.ts";
import { wireSpelling } from "./addresses.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { orFail, printedHash, requireDelivered, waitForDelivery, waitSeconds } from "./delivery.ts";
import { messageId } from "./ids.ts";
import { openConfig, withWriter } from "./open.ts";

interface SendOptions extends CommonOptions {
  readonly from: string;
  readonly to: readonly string[];
  readonly topic?: string;
  readonly replyTo?: string;
  readonly type?: string;
  readonly attach?: readonly string[];
  readonly file?: string;
  readonly important?: boolean;
  /** Commander's name for a flag that begins with "no". */
  readonly reply: boolean;
  readonly wait?: string;
}

export function sendCommand(output: Output): Command {
  return command("send", "send a message; it starts on its way at once")
    .requiredOption("--from <address>", "the sender, a user of this host")
    .requiredOption(
      "--to <addresses>",
      "recipients, separated by commas; may be given several times",
      collect,
    )
    .option("--topic <text>", "the topic of a first message")
    .option("--reply-to <id>", "answer the message with this id")
    .option(
      "--type <media/type>",
      "the media type of the body (default: told by --file's name, or plain text)",
    )
    .option("--attach <file>", "attach a file; may be given several times", append)
    .option("--file <file>", "take the body from a file")
    .option("--important", "mark the message as important")
    .option("--no-reply", "tell that any reply will be discarded")
    .option("--wait <seconds>", "wait until it is delivered; --wait alone for 60 seconds")
    .argument("[body]", 'the text, or "-" to read it from standard input')
    .action((body: string | undefined, options: SendOptions) => send(body, options, output));
}

async function send(body: string | undefined, options: SendOptions, output: Output): Promise<void> {
  if (options.topic !== undefined && options.replyTo !== undefined) {
    throw new UsageError(
      "--topic and --reply-to exclude each other: a reply has the topic of its thread",
    );
  }
  const seconds = waitSeconds(options.wait);
  const config = openConfig(options);
  const inputs = [await bodyInput(body, options), ...(options.attach ?? []).map(attachmentInput)];
  const sent = await withWriter(config, (writer) => submit(writer, options, inputs));
  const printed = { id: sent.id, hash: printedHash(sent) };
  if (seconds === null) {
    return printResult(
      output,
      options,
      printed,
      () => `Message ${printed.id} is on its way\n${printed.hash}`,
    );
  }
  const delivery = await waitForDelivery(config, sent.id, seconds, output);
  printResult(
    output,
    options,
    { ...printed, delivery },
    () => `Message ${printed.id}\n${printed.hash}`,
  );
  requireDelivered(delivery);
}

async function submit(
  writer: StoreWriter,
  options: SendOptions,
  inputs: readonly NamedInput[],
): Promise<Sent> {
  await using staged = await stageParts(writer, inputs);
  const [body, ...attachments] = staged.parts;
  if (body === undefined) throw new CommandError("The message has no body");
  const sent = orFail(
    await writer.submit("send", {
      from: wireSpelling(options.from),
      to: options.to.map(wireSpelling),
      start: options.replyTo === undefined
        ? { topic: options.topic ?? "" }
        : { replyTo: messageId(options.replyTo, "--reply-to") },
      body,
      attachments: attachments.map((part, i) => ({ ...part, filename: inputs[i + 1]?.name ?? "" })),
      content: staged.content,
      important: options.important === true,
      noReply: !options.reply,
    }),
  );
  staged.adopted();
  return sent;
}

interface NamedInput extends PartInput {
  readonly name: string;
}

async function bodyInput(body: string | undefined, options: SendOptions): Promise<NamedInput> {
  if (options.file !== undefined) {
    if (body !== undefined) {
      throw new UsageError("The body is given twice: as text and with --file");
    }
    return { ...fileInput(options.file, "--file"), type: options.type ?? typeOfFile(options.file) };
  }
  const bytes = body === "-" || body === undefined
    ? await readStandardInput(body)
    : new TextEncoder().encode(body);
  return { name: "", type: options.type ?? typeOfBody(bytes), open: () => once(bytes) };
}

function attachmentInput(file: string): NamedInput {
  return fileInput(file, "--attach");
}

function fileInput(file: string, option: string): NamedInput {
  try {
    if (!Deno.statSync(file).isFile) throw new Error("it is no file");
  } catch (error) {
    throw new CommandError(
      `${option}: cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
  return {
    name: basename(file).normalize("NFC"),
    type: typeOfFile(file),
    open: () => readFile(file),
  };
}

async function* readFile(file: string): AsyncGenerator<Uint8Array, void> {
  using handle = await Deno.open(file);
  yield* handle.readable;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  await Promise.resolve();
  yield bytes;
}

/** Without a body, what is piped in is the body; at a terminal nobody would know that we wait. */
async function readStandardInput(body: "-" | undefined): Promise<Uint8Array> {
  if (body === undefined && Deno.stdin.isTerminal()) {
    throw new UsageError(
      'There is no body: give the text, --file FILE, or "-" to type it (Ctrl-D ends it)',
    );
  }
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [
    ...earlier,
    ...text.split(",").map((address) => address.trim()).filter((address) => address !== ""),
  ];
}

function append(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}
