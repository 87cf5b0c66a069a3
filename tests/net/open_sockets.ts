// The sockets that this process has open: the runtime's leak checks do not see those of node:net and node:tls.
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface OpenSocket {
  readonly local: number;
  readonly remote: number;
  /** Bytes that the system has and the process has not read. */
  readonly unread: number;
}

/** Listeners and connections of this process with one of these ports, as Linux tells. */
export function openSockets(ports: ReadonlySet<number>): OpenSocket[] {
  if (!existsSync("/proc/self/fd")) return [];
  const own = new Set(readdirSync("/proc/self/fd").map((fd) => linkOf(`/proc/self/fd/${fd}`)));
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].filter(existsSync).flatMap((file) =>
    readFileSync(file, "utf8").trim().split("\n").slice(1).flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [local = 0, remote = 0, unread = 0] = [1, 2, 4].map((field) =>
        parseInt(fields[field]?.split(":")[1] ?? "", 16)
      );
      const ours = own.has(`socket:[${fields[9]}]`) && (ports.has(local) || ports.has(remote));
      return ours ? [{ local, remote, unread }] : [];
    })
  );
}

/** The descriptor that lists the folder is gone by now. */
function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
