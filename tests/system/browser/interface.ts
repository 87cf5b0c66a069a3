// The interface of a host over TLS, under its name, for what a test does beside the browser.

import { request } from "node:https";
import type { HostProcess } from "../../support/host_process.ts";

export class Interface {
  readonly #host: HostProcess;
  readonly #ca: string;

  constructor(host: HostProcess, ca: string) {
    this.#host = host;
    this.#ca = ca;
  }

  /** Throws for an answer that is no good one. */
  post(path: string, token: string | null, json?: unknown): Promise<string> {
    const { ip, domain, apiAddress } = this.#host;
    return new Promise((resolve, reject) => {
      const asking = request({
        host: ip,
        port: Number(apiAddress.split(":").at(-1)),
        servername: `fmsg.${domain}`,
        ca: this.#ca,
        method: "POST",
        path,
        agent: false,
        headers: {
          host: `fmsg.${domain}`,
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        },
      }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => text += part);
        answer.on("end", () => {
          const { statusCode = 0 } = answer;
          if (statusCode < 300) resolve(text);
          else reject(new Error(`POST ${path}: ${statusCode} ${text}`));
        });
      });
      asking.on("error", reject);
      asking.end(json === undefined ? undefined : JSON.stringify(json));
    });
  }
}
