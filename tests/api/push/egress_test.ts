// Which endpoints may be named, and which addresses connected to (row N12).

import assert from "node:assert/strict";
import { type Egress, egressOf, endpointProblem, INTERNET } from "../../../src/api/push/egress.ts";
import { parseConfig } from "../../../src/config.ts";

/** Of a host that listens so. */
function egress(
  listen: readonly string[],
  api: string | null = "127.0.0.1:8000",
  more: object = {},
): Egress {
  const section = api === null ? {} : { api: { listen: api, ...more } };
  return egressOf(
    parseConfig(JSON.stringify({ domain: "a.example", listen, ...section }), "fmsg.yaml"),
  );
}

Deno.test("N12 endpoints are https URLs of a name on port 443, without a password", () => {
  for (
    const good of [
      "https://push.example/a?b=c",
      "https://push.example:443/",
      "HTTPS://PÜSH.example",
    ]
  ) {
    assert.equal(endpointProblem(good, INTERNET), null, good);
  }
  for (
    const [endpoint, problem] of [
      ["http://push.example/a", /https URL/],
      ["https://", /https URL/],
      ["/send/abc", /https URL/],
      ["", /https URL/],
      ["ftp://push.example/a", /https URL/],
      ["https://user@push.example/a", /user and password/],
      ["https://:secret@push.example/a", /user and password/],
      ["https://push.example:8443/a", /port 443/],
      ["https://push.example:80/a", /port 443/],
      ["https://127.0.0.1/a", /not an IP address/],
      ["https://93.184.215.14/a", /not an IP address/],
      ["https://[::1]/a", /not an IP address/],
      ["https://[::ffff:10.0.0.1]/a", /not an IP address/],
      ["https://0x7f.1/a", /not an IP address/],
      ["https://2130706433/a", /not an IP address/],
    ] as const
  ) {
    assert.match(endpointProblem(endpoint, INTERNET) ?? "", problem, endpoint);
  }
});

Deno.test("N12 only addresses of the internet are connected to", () => {
  for (const good of ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]) {
    assert.ok(INTERNET.address(good), good);
  }
  const others = [
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"],
    ...["192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9"],
    ...["224.0.0.1", "240.0.0.1", "255.255.255.255"],
    ...["::", "::1", "::ffff:127.0.0.1", "::ffff:192.168.0.1", "64:ff9b::a00:1", "fc00::1"],
    ...["fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "2002:7f00:1::"],
    ...["2001::1", "100::1", "no address", ""],
  ];
  for (const bad of others) assert.ok(!INTERNET.address(bad), bad);
});

Deno.test("N12 a host that nobody else can reach pushes to loopback too, and no other host does", () => {
  const alone = egress(["127.0.0.1:4930", "[::1]:4930"]);
  assert.ok(alone.address("127.0.0.9") && alone.address("::1") && alone.port(8443));
  assert.ok(alone.address("93.184.215.14"));
  assert.ok(!alone.address("10.0.0.1") && !alone.address("169.254.169.254"));
  const here = { public_url: "http://127.0.0.1:8000" };
  assert.ok(egress(["127.0.0.1:4930"], "127.0.0.1:8000", here).address("127.0.0.1"));
  for (
    const public_ of [
      // Others come through the web server that is before it.
      egress(["127.0.0.1:4930"], "127.0.0.1:8000", { public_url: "https://fmsg.a.example" }),
      egress(["127.0.0.1:4930"], "127.0.0.1:8000", { trusted_proxies: ["127.0.0.0/8"] }),
      egress(["0.0.0.0:4930"]),
      egress(["[::]:4930"]),
      egress(["127.0.0.1:4930", "192.0.2.1:4930"]),
      egress(["127.0.0.1:4930"], "0.0.0.0:8000"),
      egress(["0.0.0.0:4930"], null),
    ]
  ) {
    assert.ok(!public_.address("127.0.0.1") && !public_.port(8443));
  }
});
