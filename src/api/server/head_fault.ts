// What is wrong with the head of a request that the runtime's parser lets through (RFC 9110, RFC 9112).

import type { IncomingMessage } from "node:http";

export interface HeadFault {
  readonly status: 400 | 405 | 417 | 501 | 503;
  readonly error: string;
  /** Headers of the answer besides. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** CONNECT, and TRACE, which no route can have. */
export const NO_SUCH_METHOD: HeadFault = {
  status: 405,
  error: "This is neither a proxy nor a mirror: the method is refused",
  headers: { allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" },
};

/** null: nothing. After a fault the connection is closed: a proxy may have read the request otherwise. */
export function headFault({ method, httpVersion, headers, rawHeaders }: IncomingMessage):
  | HeadFault
  | null {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    return { status: 400, error: "HTTP/1.1 is spoken here" };
  }
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion === "1.1")) {
    return { status: 400, error: "A request has to have one header Host" };
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && httpVersion === "1.0") {
    return { status: 400, error: "HTTP/1.0 has no Transfer-Encoding" };
  }
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    return { status: 501, error: 'No Transfer-Encoding but "chunked" is understood here' };
  }
  if (method === "TRACE") return NO_SUCH_METHOD;
  const { expect } = headers;
  if (expect !== undefined && httpVersion === "1.1" && !/^100-continue$/i.test(expect)) {
    return { status: 417, error: 'No Expect but "100-continue" is understood here' };
  }
  return null;
}
