// The keys of an identity provider (row N1): rotation without a gap, outages, and providers that are slow, huge or odd.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { makeAuthority } from "../../../src/certificate/make.ts";
import { ProviderKeys, type ProviderTimes } from "../../../src/api/identity/provider_keys.ts";
import { Log } from "../../../src/host/mod.ts";
import { waitFor } from "../../support/wait.ts";
import { ISSUER, Provider } from "./provider.ts";
import { ALICE, ed25519, type Keys, now, refusal, signed, Stage } from "./stage.ts";

/** Times short enough for tests. */
const QUICK: Partial<ProviderTimes> = { pauseMs: 20 };

class Scene implements AsyncDisposable {
  logged = "";
  readonly log = new Log({
    level: "debug",
    readable: false,
    write: (text) => void (this.logged += text),
  });
  readonly provider: Provider;
  readonly keys: ProviderKeys;

  constructor(times: Partial<ProviderTimes>, ...keys: Keys[]) {
    this.provider = new Provider(keys);
    this.keys = new ProviderKeys(this.provider.url, () => null, this.log, { ...QUICK, ...times });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keys[Symbol.asyncDispose]();
    await this.provider[Symbol.asyncDispose]();
  }
}

Deno.test("N1 keys are fetched once for all who wait, and kept", async () => {
  await using scene = new Scene({}, ed25519("a"), ed25519("b"));
  await Promise.all(Array.from({ length: 20 }, () => scene.keys.find("a")));
  for (const kid of ["a", "b", "a"]) await scene.keys.find(kid);
  assert.equal(scene.provider.asked, 1);
});

Deno.test("N1 rotation: tokens of a new key are taken at once, and those of a key that was withdrawn no more", async () => {
  const [first, second] = [ed25519("first"), ed25519("second")];
  await using provider = new Provider([first]);
  await using stage = await Stage.open(undefined, provider.lines());
  const claims = { iss: ISSUER, exp: now() + 60, fmsg_address: ALICE };
  await stage.asks(signed(first, claims));

  provider.keys = [first, second];
  const all = [second, first, second].map((keys) => stage.asks(signed(keys, claims)));
  for (const identity of await Promise.all(all)) assert.equal(identity.address.text, ALICE);
  assert.equal(provider.asked, 2);

  provider.keys = [second];
  await refusal(401, stage.asks(signed(ed25519("made up"), claims)));
  await refusal(401, stage.asks(signed(first, claims)));
  await stage.asks(signed(second, claims));
});

Deno.test("N1 rotation: made-up key names do not keep a new key out, and cost the provider one request a pause", async () => {
  const [first, second] = [ed25519("first"), ed25519("second")];
  await using scene = new Scene({ pauseMs: 300 }, first);
  await scene.keys.find("first");
  const strangers = Array.from({ length: 50 }, (_, i) => scene.keys.find(`made up ${i}`));
  scene.provider.keys = [first, second];
  await scene.keys.find("second");
  for (const one of strangers) await refusal(401, one);
  assert.equal(scene.provider.asked, 2);
});

Deno.test("N1 rotation: a made-up key name waits for the pause to end, and the end of the host does not wait for it", async () => {
  const scene = new Scene({ pauseMs: 3_600_000 }, ed25519("first"));
  let stranger: Promise<string>;
  {
    await using _ending = scene;
    await scene.keys.find("first");
    stranger = refusal(401, scene.keys.find("made up"));
    // Whatever was sent before this is there by the time of its answer.
    await (await fetch(scene.provider.url)).body?.cancel();
    await scene.keys.find("first");
    assert.equal(scene.provider.asked, 2);
  }
  await stranger;
});

Deno.test("N1 kid: without one the only key is meant; with several a token has to name it", async () => {
  const keys = ed25519("first");
  await using scene = new Scene({}, keys);
  await scene.keys.find(null);
  await using several = new Scene({}, keys, ed25519("second"));
  await refusal(401, several.keys.find(null));
  assert.equal(several.provider.asked, 1);
  await using none = new Scene({});
  await refusal(401, none.keys.find(null));
});

Deno.test("N1 keys for something else are none: other curves, encryption, other algorithms, secrets", async () => {
  const good = ed25519("good");
  const jwkOf = (kid: string, jwk: object): Keys => ({ ...good, kid, jwk: { ...jwk, kid } });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const x25519 = generateKeyPairSync("x25519").publicKey.export({ format: "jwk" });
  const { x } = good.jwk;
  const others = [
    jwkOf("ec", ec),
    jwkOf("x25519", x25519),
    jwkOf("enc", { ...good.jwk, use: "enc" }),
    jwkOf("alg", { ...good.jwk, alg: "RS256" }),
    jwkOf("oct", { kty: "oct", k: x }),
    jwkOf("crv", { kty: "OKP", crv: "Ed448", x }),
    jwkOf("short", { kty: "OKP", crv: "Ed25519", x: "AAAA" }),
    jwkOf("no x", { kty: "OKP", crv: "Ed25519" }),
    jwkOf("odd x", { kty: "OKP", crv: "Ed25519", x: 7 }),
  ];
  await using scene = new Scene({}, ...others, good);
  await scene.keys.find("good");
  for (const { kid } of others) await refusal(401, scene.keys.find(kid));
  // What is left is one, so nothing needs to name it.
  await scene.keys.find(null);
});

Deno.test("N1 outage: known keys count while they are fresh, then everybody is refused with 503, and back again", async () => {
  const down = (): Response => new Response("down", { status: 502 });
  await using known = new Scene({ refreshMs: 0 }, ed25519("a"));
  await known.keys.find("a");
  known.provider.behaviour = down;
  await waitFor(async () => {
    await known.keys.find("a");
    return known.provider.asked > 2;
  });
  assert.match(await refusal(503, known.keys.find("new")), /does not answer/);

  await using scene = new Scene({ freshMs: 200 }, ed25519("a"));
  await waitFor(() => scene.keys.find("a").catch(() => null));
  scene.provider.behaviour = down;
  await waitFor(() => refusal(503, scene.keys.find("a")).catch(() => null));
  scene.provider.behaviour = null;
  await waitFor(() => scene.keys.find("a").catch(() => null));
  scene.log.flush();
  const lines = scene.logged.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ level }) => level), ["warn", "info"]);
  assert.match(lines[0].reason, /502/);
});

Deno.test("N1 outage: a provider that was never there is 503, and its tokens are taken once it is", async () => {
  await using scene = new Scene({}, ed25519("a"));
  scene.provider.behaviour = () => new Response(null, { status: 404 });
  await refusal(503, scene.keys.find("a"));
  scene.provider.behaviour = null;
  await waitFor(() => scene.keys.find("a").catch(() => null));
});

Deno.test("N1 a provider that answers with too much, too many, anything else, or sends on is no source of keys", async () => {
  const good = ed25519("a");
  const set = { keys: [good.jwk] };
  await using elsewhere = new Provider([good]);
  const answers: Record<string, () => Response> = {
    "huge": () => Response.json({ ...set, pad: "x".repeat(300 * 1024) }),
    "endless": () =>
      new Response(
        new ReadableStream({
          pull: (to) => to.enqueue(new Uint8Array(65_536).fill(0x20)),
        }),
      ),
    "many": () => Response.json({ keys: Array(101).fill(good.jwk) }),
    "HTML": () => new Response("<h1>Welcome</h1>"),
    "null": () => new Response("null"),
    "a list": () => Response.json([good.jwk]),
    "keys that are none": () => Response.json({ keys: "a" }),
    "a redirect": () => Response.redirect(elsewhere.url),
    "created": () => Response.json(set, { status: 203 }),
  };
  for (const [what, answer] of Object.entries(answers)) {
    await using scene = new Scene({}, good);
    scene.provider.behaviour = answer;
    if (what === "created") {
      await scene.keys.find("a");
      continue;
    }
    await refusal(503, scene.keys.find("a")).catch((error) => {
      throw new Error(`${what}: ${error}`);
    });
  }
  assert.equal(elsewhere.asked, 0);
});

Deno.test("N1 a provider that hangs is given up after five seconds, and holds up neither known keys nor the end", async () => {
  await using scene = new Scene({ refreshMs: 0 }, ed25519("a"));
  await scene.keys.find("a");
  scene.provider.hang();
  await waitFor(async () => {
    await scene.keys.find("a");
    return scene.provider.asked > 1;
  });
  for (let i = 0; i < 100; i++) await scene.keys.find("a");
  await refusal(503, scene.keys.find("b"));
  scene.log.flush();
  assert.match(scene.logged, /no whole answer in 5 s/);
});

Deno.test("N1 a reload may name another provider: its keys count, and the other's no more", async () => {
  const [one, other] = [ed25519("k"), ed25519("k")];
  await using first = new Provider([one]);
  await using second = new Provider([other]);
  await using stage = await Stage.open(undefined, first.lines());
  const claims = { iss: ISSUER, exp: now() + 60, fmsg_address: ALICE };
  await stage.asks(signed(one, claims));
  stage.reload(second.lines());
  await stage.asks(signed(other, claims));
  await refusal(401, stage.asks(signed(one, claims)));
  stage.reload("");
  await refusal(401, stage.asks(signed(other, claims)));
});

Deno.test("N1 over TLS a provider is trusted by tls.ca, as others are, and not without", async () => {
  const authority = await makeAuthority("Test authority");
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-idp-" });
  try {
    const ca = join(folder, "ca.pem");
    Deno.writeTextFileSync(ca, authority.pem);
    const keys = ed25519("k");
    await using provider = new Provider([keys], await authority.issue("localhost"));
    const token = signed(keys, { iss: ISSUER, exp: now() + 60, fmsg_address: ALICE });
    await using trusting = await Stage.open(
      undefined,
      provider.lines() + `tls: {cert: c.pem, key: k.pem, ca: "${ca}"}\n`,
    );
    assert.equal((await trusting.asks(token)).address.text, ALICE);
    await using other = await Stage.open(undefined, provider.lines());
    await refusal(503, other.asks(token));
    Deno.removeSync(ca);
    await trusting.asks(token);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
