// What tests of the interface do again and again: letters to send, and answers that have to be of a kind.

import assert from "node:assert/strict";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import { waitFor } from "../support/wait.ts";

/** What a test says of a message; the rest is as short as it can be. */
export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly data?: string;
  readonly topic?: string;
  readonly type?: string;
  readonly pid?: number;
}

/** The body of `POST /fmsg`. */
export function letterOf(letter: Letter): Record<string, unknown> {
  const { data = "hello" } = letter;
  const size = new TextEncoder().encode(data).length;
  return { version: 1, type: "text/plain", size, ...letter, data };
}

/** An answer of this status; an error has to be one of FMSG-003. */
export async function expect(status: number, answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const got = await answer;
  assert.equal(got.status, status, got.text);
  if (status >= 400) {
    const { error } = fieldsOf(got);
    assert.ok(typeof error === "string" && error !== "" && !error.includes("\n"), got.text);
    assert.equal(got.headers.get("content-type"), "application/json");
  }
  return got;
}

export async function draftedBy(client: ApiClient, letter: Letter): Promise<number> {
  return idOf(await expect(201, client.post("/fmsg", letterOf(letter))));
}

export async function sentBy(client: ApiClient, letter: Letter): Promise<number> {
  const id = await draftedBy(client, letter);
  await expect(200, client.post(`/fmsg/${id}/send`));
  return id;
}

/** Waits until the delivery to an address, added or not, is in a state; the delivery object. */
export async function deliveryOf(
  client: ApiClient,
  id: number,
  address: string,
  state: string,
): Promise<Record<string, unknown>> {
  return await waitFor(async () => {
    const { to_delivery, add_to } = fieldsOf(await expect(200, client.get(`/fmsg/${id}`)));
    assert.ok(Array.isArray(to_delivery) && Array.isArray(add_to));
    const all = [...to_delivery, ...add_to.flatMap((batch) => batch.to_delivery)];
    const found: Record<string, unknown> = all.find((one) => one.addr === address);
    return found.state === state ? found : null;
  }, { what: `${address} to be ${state}` });
}

/** The routes of the description that want a token, as `get /fmsg/{id}`. */
export async function closedRoutes(client: ApiClient): Promise<string[]> {
  const { paths } = fieldsOf(await expect(200, client.get("/fmsg/openapi.json")));
  assert.ok(typeof paths === "object" && paths !== null);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries<{ security?: readonly object[] }>(methods)
      .filter(([, { security }]) => security?.some((scheme) => "bearer" in scheme) ?? true)
      .map(([method]) => `${method} ${path}`)
  );
}

/** Fields of a JSON answer that is an object. */
export function fieldsOf({ json, text }: ApiAnswer): Record<string, unknown> {
  assert.ok(typeof json === "object" && json !== null && !Array.isArray(json), text);
  return Object.fromEntries(Object.entries(json));
}

/** The ids of a list. */
export function idsOf({ json, text }: ApiAnswer): number[] {
  assert.ok(Array.isArray(json), text);
  return json.map(({ id }) => {
    assert.ok(typeof id === "number", text);
    return id;
  });
}

function idOf(answer: ApiAnswer): number {
  const { id } = fieldsOf(answer);
  assert.ok(typeof id === "number" && id > 0, answer.text);
  return id;
}
