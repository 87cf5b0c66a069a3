// Whose request it is, where proxies pass requests on.
import assert from "node:assert/strict";
import { clientAddress } from "../../../src/api/server/client_address.ts";

const TRUSTED = ["10.0.0.0/8", "2001:db8:1::/48"];

Deno.test("N11 the client's address is the socket's, or the right-most untrusted one that a trusted proxy names", () => {
  for (
    const [peer, forwardedFor, client] of [
      ["192.0.2.1", null, "192.0.2.1"],
      // Whoever is no proxy may say what he likes.
      ["192.0.2.1", "198.51.100.7", "192.0.2.1"],
      ["10.0.0.1", null, "10.0.0.1"],
      ["10.0.0.1", "198.51.100.7", "198.51.100.7"],
      ["10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"],
      ["10.0.0.1", "203.0.113.9,198.51.100.7 , 10.1.1.1", "198.51.100.7"],
      ["2001:db8:1::5", "2001:DB8:2:0::1", "2001:db8:2::1"],
      ["10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"],
      ["10.0.0.1", "198.51.100.7:4711", "198.51.100.7"],
      ["10.0.0.1", "[2001:db8:2::1]:4711", "2001:db8:2::1"],
      // A chain of proxies only.
      ["10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    ] as const
  ) {
    assert.equal(clientAddress(peer, forwardedFor, TRUSTED), client, `${peer} ${forwardedFor}`);
  }
});

Deno.test("N11 what is no address in X-Forwarded-For leaves the proxy that wrote behind it", () => {
  for (
    const [forwardedFor, client] of [
      ["", "10.0.0.1"],
      ["unknown", "10.0.0.1"],
      ["_hidden", "10.0.0.1"],
      ["203.0.113.9, unknown", "10.0.0.1"],
      ["203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"],
      ["127.1", "10.0.0.1"],
      ["0x7f000001", "10.0.0.1"],
      ["198.51.100.7\u0000", "10.0.0.1"],
      [",,,", "10.0.0.1"],
      [`203.0.113.9${", 10.0.0.2".repeat(1000)}`, "10.0.0.2"],
    ] as const
  ) {
    assert.equal(clientAddress("10.0.0.1", forwardedFor, TRUSTED), client, forwardedFor);
  }
});
