// Why an address cannot be listened on, in words that tell what to do.

import { type Endpoint, isIPv6 } from "./ip.ts";

export function cannotListen(
  { ip, port }: Endpoint,
  error: Error & { readonly code?: string },
): Error {
  const where = isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
  return new Error(`Cannot listen on ${where}: ${whyNot(error)}`, { cause: error });
}

function whyNot(error: Error & { readonly code?: string }): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "another program listens there; stop it, or choose another port";
    case "EADDRNOTAVAIL":
    case "EINVAL":
      return "this machine has no such address";
    case "EACCES":
      return "this user may not use the port; choose one from 1024 on, or grant CAP_NET_BIND_SERVICE";
    default:
      return error.message;
  }
}
