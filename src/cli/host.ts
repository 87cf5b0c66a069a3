// fmsg host …: running the host.

import { Command } from "commander";
import { type Config, ConfigError } from "../config.ts";
import { Host, Log, NotConfigured, writeToStderr } from "../host/mod.ts";
import { command, type CommonOptions, UsageError } from "./context.ts";
import { openConfig } from "./open.ts";

export function hostCommand(): Command {
  const host = new Command("host").description("run and look after the host");
  host.addCommand(
    command(
      "run",
      "run the host in the foreground; SIGTERM stops it, SIGHUP reloads it",
      "fmsg host run --config /etc/fmsg/fmsg.yaml",
    )
      .action((options: CommonOptions) => run(options)),
  );
  return host;
}

async function run(options: CommonOptions): Promise<void> {
  const config = openConfig(options);
  const log = new Log({
    level: config.log.level,
    readable: Deno.stderr.isTerminal(),
    write: writeToStderr,
  });
  for (const notice of config.notices) log.warn(notice);
  const host = await start(config, log);
  warnOfCertificate(host, log);
  log.info("listening", {
    domain: config.domain,
    addresses: host.endpoints.map(({ ip, port }) =>
      ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`
    ),
    data_dir: config.data_dir,
    certificate_expires: host.certificate.expires.toISOString(),
    pid: Deno.pid,
  });
  surviveFaults(log);
  await stopped(log, () => reload(host, options, log));
  await host[Symbol.asyncDispose]();
  log.info("stopped");
}

async function start(config: Config, log: Log): Promise<Host> {
  try {
    return await Host.start(config, log);
  } catch (error) {
    if (error instanceof NotConfigured) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** A fault that nobody foresaw ends one exchange, or a part of one, and never the host (row S3). */
function surviveFaults(log: Log): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log.error("internal error", { error: String(event.error ?? event.message) });
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("internal error", { error: String(event.reason) });
  });
}

function warnOfCertificate(host: Host, log: Log): void {
  for (const warning of host.certificate.warnings) log.warn(warning);
}

/** A configuration or certificate that cannot be used leaves the running one in place. */
function reload(host: Host, options: CommonOptions, log: Log): void {
  try {
    const config = openConfig(options);
    for (const notice of config.notices) log.warn(notice);
    host.reload(config);
    warnOfCertificate(host, log);
    log.info("reloaded", { certificate_expires: host.certificate.expires.toISOString() });
  } catch (error) {
    log.error("not reloaded, the old configuration is kept", {
      error: error instanceof Error ? error.message : String(error),
      ...(error instanceof ConfigError && error.key !== null ? { key: error.key } : {}),
    });
  }
}

/** Resolves at the first signal to stop; at a second one the process exits at once. */
function stopped(log: Log, onHangUp: () => void): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) Deno.exit(1);
      stopping = true;
      log.info("stopping: exchanges under way may finish; a second signal ends at once");
      Deno.removeSignalListener("SIGHUP", onHangUp);
      resolve();
    };
    Deno.addSignalListener("SIGTERM", stop);
    Deno.addSignalListener("SIGINT", stop);
    Deno.addSignalListener("SIGHUP", onHangUp);
  });
}
