// Which DNS servers to ask when the configuration names none.
import { readFileSync } from "node:fs";
import { isIP } from "node:net";

export interface Server {
  readonly ip: string;
  readonly port: number;
}

const DNS_PORT = 53;

/** The servers of /etc/resolv.conf; 127.0.0.1 where that names none, as the C library does. */
export function defaultServers(): Server[] {
  let text = "";
  try {
    text = readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    // Without the file the local server is asked.
  }
  const servers = systemServers(text);
  return servers.length > 0 ? servers : [{ ip: "127.0.0.1", port: DNS_PORT }];
}

/** The `nameserver` lines of a resolv.conf, in order, but those with a zone (`fe80::1%eth0`). */
export function systemServers(text: string): Server[] {
  return text.split("\n").flatMap((line) => {
    const [keyword, ip] = line.trim().split(/\s+/);
    const usable = keyword === "nameserver" && ip !== undefined && !ip.includes("%") &&
      isIP(ip) !== 0;
    return usable ? [{ ip, port: DNS_PORT }] : [];
  });
}
