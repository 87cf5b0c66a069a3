// The configuration and the store, for commands that run beside the host or without it.

import { existsSync, mkdirSync } from "node:fs";
import { type Config, findConfig, loadConfig } from "../config.ts";
import { connectToHost, writerSettings } from "../host/mod.ts";
import {
  DirectoryLock,
  lockOwner,
  Mailbox,
  openWriterHere,
  storeFile,
  StoreWriter,
} from "../store/mod.ts";
import { CommandError, type CommonOptions, UsageError } from "./context.ts";

/** How long a command waits for a host that is starting or stopping, in milliseconds. */
const HOST_WAIT_MS = 5000;

/** The configuration that the options, the environment or the usual places name. */
export function openConfig(options: CommonOptions): Config {
  const file = findConfig(options.config, Deno.env, existsSync);
  if (file === undefined) {
    throw new UsageError(
      'There is no configuration: name it with --config FILE or $FMSG_CONFIG, or let "fmsg host init" make ./fmsg.yaml',
    );
  }
  return loadConfig(file);
}

/** Runs `work` with a writer: the running host's, or one in this process while no host runs. */
export async function withWriter<Result>(
  config: Config,
  work: (writer: StoreWriter) => Promise<Result>,
): Promise<Result> {
  await using opened = await openWriter(config);
  return await work(opened.use);
}

/** Runs `work` on what is stored; the store is made where there is none. */
export async function withMailbox<Result>(
  config: Config,
  work: (mailbox: Mailbox) => Result | Promise<Result>,
): Promise<Result> {
  if (!existsSync(storeFile(config.data_dir))) await withWriter(config, () => Promise.resolve());
  using mailbox = new Mailbox(config.data_dir);
  return await work(mailbox);
}

async function openWriter(
  config: Config,
): Promise<AsyncDisposable & { readonly use: StoreWriter }> {
  makeDataDir(config.data_dir);
  const waitUntil = Date.now() + HOST_WAIT_MS;
  for (;;) {
    const host = await connectToHost(config.data_dir);
    if (host !== null) {
      const writer = new StoreWriter(host);
      return { use: writer, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() };
    }
    const lock = DirectoryLock.take(config.data_dir);
    if (lock !== null) {
      await using opening = new AsyncDisposableStack();
      opening.use(lock);
      const writer = opening.use(
        new StoreWriter(openWriterHere(config.data_dir, writerSettings(config))),
      );
      const opened = opening.move();
      return { use: writer, [Symbol.asyncDispose]: () => opened.disposeAsync() };
    }
    if (Date.now() > waitUntil) {
      throw new CommandError(
        `Process ${
          lockOwner(config.data_dir)
        } holds ${config.data_dir} and does not answer: try again, or stop it`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(
      `data_dir: cannot make the directory ${dataDir}: ${
        error instanceof Error ? error.message : error
      }`,
      { cause: error },
    );
  }
}
