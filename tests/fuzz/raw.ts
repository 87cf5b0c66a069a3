// Steps below the protocol: what is no TLS, and TLS that no runtime's client would speak.

import type { Socket } from "node:net";
import { type Bytes, concat, headerHash } from "../../src/wire/mod.ts";
import { clientHello, HostileTls, plain, RECORD } from "../support/hostile_tls.ts";
import { dialTcp } from "../support/line.ts";
import { draft, noise } from "../support/message.ts";
import { PATIENCE, sleep, within } from "../support/wait.ts";
import { edited } from "./edits.ts";
import { lineFrom, type Outcome, signatureOf } from "./outcome.ts";
import type { Ending, Frame, Frames, Raw, RawChunk } from "./recipe.ts";
import { ALICE, ANN, type Lane, type Scene } from "./scene.ts";

/** Bytes over TCP in place of a handshake. The host has to end the connection; what it says does not matter. */
export async function playRaw(recipe: Raw, lane: Lane, scene: Scene): Promise<Outcome> {
  const { host, world, ledger } = scene;
  const seen = host.log.length;
  const socket = await dialTcp(host.ip, world.port, lane.ip, ledger);
  socket.on("error", () => {});
  socket.resume();
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const ended = Promise.race([new Promise<void>((resolve) => socket.once("end", resolve)), gone]);
  for (const bytes of recipe.chunks.flatMap((chunk) => bytesOf(chunk, `fmsg.${host.domain}`))) {
    if (socket.destroyed) break;
    await written(socket, bytes, gone);
    if (recipe.gap > 0) await sleep(recipe.gap);
  }
  end(socket, recipe.then);
  const problem = await within(PATIENCE, "the end", ended).then(
    () => null,
    () => "the host does not end what is no TLS",
  );
  socket.destroy();
  return await outcome("raw", recipe.then, scene, lane, seen, problem);
}

/** A handshake in order, and then odd records. */
export async function playFrames(recipe: Frames, lane: Lane, scene: Scene): Promise<Outcome> {
  const { host, world } = scene;
  const seen = host.log.length;
  const message = draft({ from: ANN, to: [ALICE], body: "In records" });
  using _ = scene.odd.answerChallenges(
    headerHash(message.header),
    { hash: message.hash, how: "right" },
  );
  const victim = { ip: host.ip, port: world.port, serverName: `fmsg.${host.domain}` };
  const aborting = new AbortController();
  const tls = await HostileTls.connect({ ...victim, source: lane.ip }, aborting.signal);
  if (tls === null) {
    return await outcome("frames", "no handshake", scene, lane, seen, "no handshake");
  }
  try {
    const stream = concat([message.header, message.payload]);
    let at = 0;
    for (const frame of recipe.frames) {
      if (tls.tcp.over) break;
      at = await play(frame, tls, stream, at);
    }
    if (recipe.then === "close") tls.close();
    if (recipe.then === "reset") tls.tcp.reset();
    const problem = await within(PATIENCE, "the end", tls.tcp.drain()).then(
      () => null,
      () => "the host does not end odd records",
    );
    return await outcome("frames", recipe.then, scene, lane, seen, problem);
  } finally {
    tls.close();
    await tls.tcp.gone;
  }
}

/** Gives how far the good message has been sent. */
async function play(frame: Frame, tls: HostileTls, message: Bytes, at: number): Promise<number> {
  switch (frame.frame) {
    case "key updates":
      await timely(tls.updateKeys(frame.count));
      return at;
    case "record":
      await timely(tls.writeRecord(frame.type, noise(frame.length)));
      return at;
    case "hex record":
      await timely(tls.writeRecord(frame.type, Uint8Array.fromHex(frame.hex)));
      return at;
    case "plain":
      await timely(tls.tcp.write(plain(frame.type, noise(frame.length))));
      return at;
    case "pause":
      await tls.tcp.pause(frame.ms);
      return at;
    case "message": {
      const end = Math.min(message.length, at + frame.bytes);
      const piece = Math.max(1, frame.piece);
      for (let start = at; start < end && !tls.tcp.over; start += piece) {
        await timely(
          tls.writeRecord(RECORD.data, message.subarray(start, Math.min(end, start + piece))),
        );
      }
      return end;
    }
  }
}

/** A host that takes nothing more is noticed at the end. */
async function timely(writing: Promise<boolean>): Promise<void> {
  await within(PATIENCE, "writing", writing).catch(() => false);
}

function bytesOf(chunk: RawChunk, serverName: string): Bytes[] {
  switch (chunk.chunk) {
    case "hex":
      return [Uint8Array.fromHex(chunk.hex)];
    case "noise":
      return [noise(chunk.length)];
    case "record": {
      const head = [chunk.type, 3, 3, chunk.declared >> 8, chunk.declared & 255];
      return [concat([Uint8Array.from(head), noise(chunk.length)])];
    }
    case "hello": {
      const hello = edited(clientHello(serverName), chunk.edits);
      const piece = chunk.fragment === 0 ? hello.length : chunk.fragment;
      const fragments: Bytes[] = [];
      for (let at = 0; at < hello.length; at += piece) {
        fragments.push(plain(RECORD.handshake, hello.subarray(at, at + piece)));
      }
      return fragments;
    }
  }
}

async function written(socket: Socket, bytes: Uint8Array, gone: Promise<void>): Promise<void> {
  const taken = new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  await within(PATIENCE, "writing", Promise.race([taken, gone])).catch(() => {});
}

function end(socket: Socket, then: Ending): void {
  switch (then) {
    case "wait":
    case "stay":
      return;
    case "end":
    case "fin":
      return void socket.end();
    case "reset":
      return void socket.resetAndDestroy();
  }
}

async function outcome(
  kind: string,
  phase: string,
  { host }: Scene,
  { ip }: Lane,
  seen: number,
  problem: string | null,
): Promise<Outcome> {
  const line = await lineFrom(ip, host, seen);
  return { signature: signatureOf({ kind, phase, codes: [], line }), problem, exchanges: 1 };
}
