// The answer to what the parser of HTTP refuses, for which there is no request to answer.

import type { Duplex } from "node:stream";

export interface RawRefusal {
  /** As in "400 Bad Request". */
  readonly status: string;
  readonly error: string;
}

/** null: the client is gone, or never spoke TLS where it had to, and nothing is answered. */
export function refusalOfParser(error: Error & { readonly code?: string }): RawRefusal | null {
  switch (error.code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: "408 Request Timeout", error: "The headers did not arrive in time" };
    case "HPE_HEADER_OVERFLOW":
      return {
        status: "431 Request Header Fields Too Large",
        error: "The address and the headers together are too long",
      };
    default:
      return error.code?.startsWith("HPE_")
        ? { status: "400 Bad Request", error: "This is no HTTP that is understood here" }
        : null;
  }
}

/** Answers and closes; what the client still sends is not waited for. */
export function writeRefusal(
  socket: Duplex,
  { status, error }: RawRefusal,
  headers: Readonly<Record<string, string>>,
): void {
  const body = JSON.stringify({ error });
  const fields = { ...headers, "content-type": "application/json", connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.on("error", () => {});
  socket.end(
    `HTTP/1.1 ${status}\r\n${lines}content-length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
