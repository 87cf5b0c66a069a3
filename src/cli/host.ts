// fmsg host …: running the host.

import { Command } from "commander";
import { type Config, ConfigError } from "../config.ts";
import { addressText } from "../net/mod.ts";
import { Host, Log, NotConfigured, writeToStderr } from "../host/mod.ts";
import type { Api } from "../api/mod.ts";
import { backupCommand } from "./backup.ts";
import { bansCommand } from "./bans.ts";
import { checkCommand } from "./check.ts";
import { command, type CommonOptions, type Output, UsageError } from "./context.ts";
import { initCommand } from "./init.ts";
import { openConfig } from "./open.ts";
import { restoreCommand } from "./restore.ts";
import { statusCommand } from "./status.ts";
import { verifyCommand } from "./verify.ts";

export function hostCommand(output: Output): Command {
  const host = new Command("host").description("run and look after the host");
  host.addCommand(initCommand(output));
  host.addCommand(
    command(
      "run",
      "run the host in the foreground; SIGTERM stops it, SIGHUP reloads it",
      "fmsg host run --config /etc/fmsg/fmsg.yaml",
    )
      .action((options: CommonOptions) => run(options)),
  );
  host.addCommand(checkCommand(output));
  host.addCommand(statusCommand(output));
  host.addCommand(bansCommand(output));
  host.addCommand(verifyCommand(output));
  host.addCommand(backupCommand(output));
  host.addCommand(restoreCommand(output));
  return host;
}

async function run(options: CommonOptions): Promise<void> {
  const config = openConfig(options);
  const log = new Log({
    level: config.log.level,
    readable: Deno.stderr.isTerminal(),
    write: writeToStderr,
  });
  if (Deno.uid() === 0) log.warn(AS_ROOT);
  const host = await start(config, log);
  surviveFaults(host);
  const api = await startInterface(host, log);
  const stop = stopped(log, () => reload(host, options, log));
  // Whoever reads this may send a signal at once.
  host.onServing(() =>
    log.info("listening", {
      domain: config.domain,
      addresses: host.endpoints.map(addressText),
      ...api?.endpoint ? { api: addressText(api.endpoint) } : {},
      data_dir: config.data_dir,
      certificate_expires: host.certificate.expires?.toISOString() ?? null,
      pid: Deno.pid,
    })
  );
  const failure = await Promise.race([stop, host.failed]);
  if (failure !== null) {
    log.error("the host cannot go on", { error: failure.message });
    log.flush();
    // Nothing that is under way could be stored. Whoever looks after services starts it again.
    Deno.exit(1);
  }
  await host[Symbol.asyncDispose]();
  log.info("stopped");
}

const AS_ROOT =
  "the host runs as root: a user of its own is safer, who owns data_dir and can read the certificate's key; port 4930 needs no root";

async function start(config: Config, log: Log): Promise<Host> {
  try {
    return await Host.start(config, log);
  } catch (error) {
    if (error instanceof NotConfigured) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Imported only where there is one, which costs a start a tenth of a second; null where there is none. */
async function startInterface(host: Host, log: Log): Promise<Api | null> {
  if (host.config.api === null) return null;
  const { startApi } = await import("../api/mod.ts");
  try {
    return await startApi(host, log);
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
}

/** A fault that nobody foresaw ends one exchange, or a part of one, and never the host (row S3). */
function surviveFaults(host: Host): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    host.fault(event.error ?? event.message);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    host.fault(event.reason);
  });
}

/** A configuration or certificate that cannot be used leaves the running one in place. */
function reload(host: Host, options: CommonOptions, log: Log): void {
  try {
    const config = openConfig(options);
    for (const key of host.reload(config)) {
      log.warn("a key has changed that is read at the start only: restart the host for it", {
        key,
      });
    }
    const { expires, warnings } = host.certificate;
    for (const warning of warnings) log.warn(warning);
    log.info("reloaded", { certificate_expires: expires?.toISOString() ?? null });
  } catch (error) {
    log.error("not reloaded, the old configuration is kept", {
      error: error instanceof Error ? error.message : String(error),
      ...(error instanceof ConfigError && error.key !== null ? { key: error.key } : {}),
    });
  }
}

/**
 * Resolves with null at the first signal to stop; at a second one the process exits at once. From then on there is nothing
 * to reload any more, but without a listener SIGHUP would end the process.
 */
function stopped(log: Log, onHangUp: () => void): Promise<null> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) Deno.exit(1);
      stopping = true;
      log.info("stopping: exchanges under way may finish; a second signal ends at once");
      resolve(null);
    };
    Deno.addSignalListener("SIGTERM", stop);
    Deno.addSignalListener("SIGINT", stop);
    Deno.addSignalListener("SIGHUP", () => stopping || onHangUp());
  });
}
