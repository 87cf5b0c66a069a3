// Browsers that sign in to a running host: by links that are good once, in sessions that end from both sides, and in which
// no other site's page can do a thing.

import assert from "node:assert/strict";
import { request as requestTls } from "node:https";
import * as v from "valibot";
import { SESSION } from "../../src/api/client_types.ts";
import { ListeningClient } from "../api/events/listening_client.ts";
import type { ApiAnswer, ApiClient, ApiRequest } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { within } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { expect, fieldsOf, letterOf } from "./api_client.ts";

const LINK = v.object({ link: v.string() });

/** A link's token, as the operator makes it. */
async function tokenFor(host: HostProcess, user: string, ...flags: string[]): Promise<string> {
  const made = await host.json(["user", "link", host.address(user), ...flags]);
  return v.parse(LINK, made).link.split("#sign-in=")[1] ?? "";
}

/** A browser: what it sends by itself. */
class Browser {
  constructor(
    readonly api: ApiClient,
    readonly origin: string,
    public cookie: string | null = null,
  ) {}

  /** As a page of this origin asks; the browser keeps what it is told to keep. */
  async ask(
    method: string,
    path: string,
    request: ApiRequest = {},
    origin: string | null = this.origin,
  ): Promise<ApiAnswer> {
    const answer = await this.api.request(method, path, {
      ...request,
      headers: {
        ...origin === null ? {} : { origin },
        ...this.cookie === null ? {} : { cookie: `theme=dark; ${this.cookie}` },
        ...request.headers,
      },
    });
    const set = answer.headers.get("set-cookie");
    if (set !== null) this.cookie = /Max-Age=0/.test(set) ? null : set.split(";", 1)[0] ?? null;
    return answer;
  }

  signIn(token: string, origin: string | null = this.origin): Promise<ApiAnswer> {
    return this.ask("POST", "/session", { json: { token } }, origin);
  }

  async session(): Promise<v.InferOutput<typeof SESSION>> {
    return v.parse(SESSION, (await expect(200, this.ask("GET", "/session", {}, null))).json);
  }

  listen(origin = this.origin): Promise<ListeningClient> {
    return ListeningClient.open(this.api.events, {
      headers: { origin, ...this.cookie === null ? {} : { cookie: this.cookie } },
    });
  }
}

function browserOf(host: HostProcess): Browser {
  return new Browser(host.api, host.api.base);
}

async function signedIn(host: HostProcess, user: string): Promise<Browser> {
  const browser = browserOf(host);
  await expect(200, browser.signIn(await tokenFor(host, user)));
  return browser;
}

Deno.test("sessions of browsers", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    api: { trusted_proxies: ["127.0.0.0/8"], origins: ["https://mail.example"] },
    config: { log: { level: "debug" } },
    users: [["alice", "--name", "Alice"], "bob"],
  });
  const alice = host.address("alice");
  const { base } = host.api;
  const secrets: string[] = [];

  await t.step("a link signs one browser in, once; it tells the page who and where", async () => {
    const token = await tokenFor(host, "alice");
    const browser = browserOf(host);
    const answer = await expect(200, browser.signIn(token));
    assert.deepEqual(answer.json, { address: alice });
    const cookie = answer.headers.get("set-cookie") ?? "";
    assert.match(
      cookie,
      /^fmsg=[0-9a-f]{16}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=7776000$/,
    );
    secrets.push(token, browser.cookie?.split(".")[1] ?? "");
    await expect(401, browserOf(host).signIn(token));
    const { sessions, limits, vapid_public_key: key, ...rest } = await browser.session();
    const id = browser.cookie?.slice(5, 21) ?? "";
    assert.deepEqual(rest, { address: alice, name: "Alice", id, domain: host.domain });
    assert.deepEqual(sessions.map(({ id, current }) => [id, current]), [[id, true]]);
    assert.equal(limits.max_size, 10 * 1024 * 1024);
    assert.match(key ?? "", /^[\w-]{87}$/);
    // As an owner, on every route.
    const made = await expect(
      201,
      browser.ask("POST", "/fmsg", { json: letterOf({ from: alice, to: [host.address("bob")] }) }),
    );
    const drafted = fieldsOf(made).id;
    await expect(200, browser.ask("GET", `/fmsg/${drafted}`, {}, null));
    await expect(200, browser.ask("POST", `/fmsg/${drafted}/send`));
    await expect(200, browser.ask("GET", "/fmsg/sub-accounts"));
  });

  await t.step("a link that has expired, or is none, signs nobody in", async () => {
    const browser = browserOf(host);
    for (const token of ["", "x", "A".repeat(43), (await tokenFor(host, "bob")).slice(1)]) {
      await expect(401, browser.signIn(token));
    }
    await expect(400, browser.ask("POST", "/session", { json: {} }));
    await expect(400, browser.ask("POST", "/session", { json: { token: "x".repeat(300) } }));
    await expect(413, browser.ask("POST", "/session", { json: { token: "x".repeat(3000) } }));
    assert.equal(browser.cookie, null);
    await expect(401, browser.ask("GET", "/session"));
    await expect(401, browser.ask("DELETE", "/session"));
  });

  await t.step("no other site signs a browser in, whatever it calls what it sends", async () => {
    const token = await tokenFor(host, "bob");
    const browser = browserOf(host);
    const others = ["https://evil.example", base.replace("8000", "3000"), "null", null];
    for (const origin of others) await expect(403, browser.signIn(token, origin));
    const body = JSON.stringify({ token });
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      await expect(
        415,
        browser.ask("POST", "/session", { body, headers: { "content-type": type } }),
      );
    }
    const untyped = new Blob([body]);
    await expect(415, browser.ask("POST", "/session", { body: untyped }));
    await expect(200, browser.signIn(token));
  });

  await t.step("in a session only the page itself changes anything", async () => {
    const browser = await signedIn(host, "alice");
    const json = letterOf({ from: alice, to: [host.address("bob")] });
    for (const origin of ["https://evil.example", base.replace("8000", "3000"), "null", null]) {
      await expect(403, browser.ask("POST", "/fmsg", { json }, origin));
      await expect(403, browser.ask("DELETE", "/session", {}, origin));
      const answer = await browser.ask("GET", "/fmsg", {}, origin);
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
    }
    await browser.session();
    // A cookie beside a token counts for nothing.
    const token = { authorization: `Bearer ${(await host.client("bob")).token}` };
    const mixed = await browser.ask("GET", "/session", { headers: token }, null);
    assert.equal(fieldsOf(mixed).address, host.address("bob"));
    await expect(401, browser.ask("GET", "/fmsg", { headers: { authorization: "Bearer x" } }));
    await expect(404, browser.ask("DELETE", "/session", { headers: token }));
  });

  await t.step("events come to the page, and to no other site's", async () => {
    const browser = await signedIn(host, "bob");
    // Nor to those who may connect with a token.
    const others = ["https://evil.example", base.replace("8000", "3000"), "https://mail.example"];
    for (const origin of others) await assert.rejects(browser.listen(origin), /403/);
    const { cookie } = browser;
    assert.ok(cookie !== null);
    await assert.rejects(ListeningClient.open(host.api.events, { headers: { cookie } }), /403/);
    await using client = await browser.listen();
    const letter = letterOf({ from: alice, to: [host.address("bob")] });
    const sender = await host.client("alice");
    const { id } = fieldsOf(await expect(201, sender.post("/fmsg", letter)));
    await expect(200, sender.post(`/fmsg/${id}/send`));
    await client.event("new_msg");
  });

  await t.step(
    "whoever signs out, or is signed out from elsewhere, hears nothing more",
    async () => {
      const [here, there, third] = [
        await signedIn(host, "alice"),
        await signedIn(host, "alice"),
        await signedIn(host, "alice"),
      ];
      const bob = await signedIn(host, "bob");
      await using hears = await here.listen();
      await using other = await there.listen();
      await using last = await third.listen();
      await using bobs = await bob.listen();
      const { id: thereId } = await there.session();
      const { id: thirdId } = await third.session();

      await expect(404, bob.ask("DELETE", `/session/${thereId}`));
      await expect(204, here.ask("DELETE", `/session/${thereId}`));
      assert.equal((await other.end()).code, 4401);
      await expect(401, there.ask("GET", "/session"));
      await expect(404, here.ask("DELETE", `/session/${thereId}`));

      const signedOut = await expect(204, here.ask("DELETE", "/session"));
      assert.match(signedOut.headers.get("set-cookie") ?? "", /^fmsg=; .*Max-Age=0$/);
      assert.equal((await hears.end()).code, 4401);

      await host.json(["session", "revoke", thirdId]);
      assert.equal((await last.end()).code, 4401);
      await expect(401, third.ask("GET", "/fmsg"));

      await host.json(["session", "revoke", "--all", host.address("bob")]);
      assert.equal((await bobs.end()).code, 4401);
      await expect(401, bob.ask("GET", "/session"));
    },
  );

  await t.step("whoever is switched off, or removed, hears nothing more", async () => {
    for (const command of [["set", "--accepting=false"], ["remove"]]) {
      const carol = host.address("carol");
      const [verb = "", ...flags] = command;
      await host.json(["user", "add", carol]);
      const browser = await signedIn(host, "carol");
      await using hears = await browser.listen();
      await host.json(["user", verb, carol, ...flags]);
      assert.equal((await hears.end()).code, verb === "set" ? 1008 : 4401);
      await expect(verb === "set" ? 403 : 401, browser.ask("GET", "/session"));
      if (verb === "set") await host.json(["user", "remove", carol]);
    }
  });

  await t.step("a browser that signs in again leaves no session behind", async () => {
    const browser = await signedIn(host, "bob");
    const before = (await browser.session()).id;
    await expect(200, browser.signIn(await tokenFor(host, "bob")));
    const { id, sessions } = await browser.session();
    assert.notEqual(id, before);
    assert.deepEqual(sessions.map((one) => one.id), [id]);
  });

  await t.step(
    "an address that tries eleven times in a minute is not listened to, many at once neither",
    async () => {
      const from = (ip: string) => ({ "x-forwarded-for": ip, origin: base });
      const wrong = (ip: string) =>
        host.api.post("/session", { token: "x" }, { headers: from(ip) });
      // From elsewhere in clear text nobody signs in at all, so the page has to have another address.
      await expect(403, wrong("192.0.2.1"));
      await host.configure({ api: { public_url: base } });
      await host.reload();
      for (let i = 0; i < 10; i++) await expect(401, wrong("192.0.2.1"));
      const refused = await expect(429, wrong("192.0.2.1"));
      assert.equal(refused.headers.get("retry-after"), "60");
      await expect(401, wrong("192.0.2.2"));
      const atOnce = await Promise.all(Array.from({ length: 30 }, () => wrong("192.0.2.3")));
      assert.equal(atOnce.filter(({ status }) => status === 401).length, 10);
    },
  );

  await t.step("a restart keeps sessions, and nothing secret was logged", async () => {
    const browser = await signedIn(host, "alice");
    const before = await browser.session();
    assert.equal(await host.stop(), 0);
    await host.start();
    assert.deepEqual(await browser.session(), before);
    secrets.push(browser.cookie?.split(".")[1] ?? "");
    const log = JSON.stringify(host.log);
    assert.ok(secrets.every((secret) => secret.length === 43 && !log.includes(secret)));
    assert.ok(log.includes("/session"));
  });

  await t.step("with TLS the cookie is the host's alone, and Secure", async () => {
    await host.configure({ api: { public_url: null, tls: true } });
    assert.equal(await host.stop(), 0);
    await host.start();
    const token = await tokenFor(host, "alice");
    const name = `fmsg.${host.domain}`;
    const signIn = (origin: string): Promise<{ status: number; cookie: string }> =>
      within(
        10_000,
        "signing in",
        new Promise((resolve, reject) => {
          const body = JSON.stringify({ token });
          const request = requestTls({
            host: host.ip,
            port: 8000,
            path: "/session",
            method: "POST",
            agent: false,
            ca: world.authority.pem,
            servername: name,
            headers: {
              host: `${name}:8000`,
              origin,
              "content-type": "application/json",
              "content-length": body.length,
            },
          }, (response) => {
            response.resume();
            const [cookie = ""] = response.headers["set-cookie"] ?? [];
            response.on("end", () => resolve({ status: response.statusCode ?? 0, cookie }));
          });
          request.on("error", reject);
          request.end(body);
        }),
      );
    assert.equal((await signIn(`http://${name}:8000`)).status, 403);
    assert.equal((await signIn(`https://${name}`)).status, 403);
    const { status, cookie } = await signIn(`https://${name}:8000`);
    assert.equal(status, 200);
    assert.match(
      cookie,
      /^__Host-fmsg=\S+; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000$/,
    );
  });
});
