// fmsg demo: two throw-away hosts on loopback exchange messages, and every step is shown.

import type { Command } from "commander";
import { codeName } from "../wire/mod.ts";
import { command, type CommonOptions, type Output } from "./context.ts";
import { ALICE, BOB, CAROL, HOME, Stage, type Step, WORK } from "./demo_stage.ts";
import { formatSize, width } from "./terminal.ts";

export function demoCommand(output: Output): Command {
  return command("demo", "two throw-away hosts on this machine exchange messages, and show how")
    .action((options: CommonOptions) => demo(options, output));
}

async function demo(options: CommonOptions, output: Output): Promise<void> {
  await using stage = await Stage.build();
  const show = options.json === true ? () => {} : (text: string) => output.print(text);
  const { style } = output;
  const steps: Step[] = [];
  const tell = (step: Step, title: string, ...lines: string[]): void => {
    steps.push(step);
    show(`\n${style.bold(`${steps.length}. ${title}`)}`);
    for (const line of lines) show(`   ${style.dim(line)}`);
    for (const line of inWords(step)) show(line);
  };

  show(style.bold("fmsg, shown by two hosts that live until the end of this text"));
  show(`   ${HOME.domain}  ${HOME.ip}:${stage.port}  ${ALICE}`);
  show(`   ${WORK.domain}  ${WORK.ip}:${stage.port}  ${BOB}, ${CAROL}`);

  const first = await stage.step(() =>
    stage.send("home", {
      from: ALICE,
      to: [BOB],
      start: { topic: "Lunch?" },
      body: "Lunch on Friday? The menu is attached.",
      menu: true,
    })
  );
  tell(
    first,
    "Alice writes to Bob, with an attachment",
    `${WORK.domain} looks up fmsg.${HOME.domain}, and finds the caller there.`,
    "While the message is on its way it connects back, and asks for the hash.",
  );

  const reply = await stage.step(() =>
    stage.send("work", {
      from: BOB,
      to: [ALICE],
      start: { replyTo: stage.received("work", BOB, first.hash).id },
      body: "Gladly. Can we take Carol along?",
      menu: false,
    })
  );
  tell(
    reply,
    "Bob replies",
    `His message names its parent by hash: pid ${short(first.hash)}`,
    `${HOME.domain} has written in this thread itself, so it does not ask.`,
  );

  const added = await stage.step(() => stage.addTo("home", first.id, ALICE, [CAROL]));
  tell(
    added,
    "Alice adds Carol to her first message",
    `${WORK.domain} holds that message, so the data is not sent a second time.`,
  );

  const carols = stage.received("work", CAROL, first.hash);
  show(`\n${style.bold("What Carol has now")}`);
  show(row("message", `"${carols.topic}" from ${carols.from} to ${carols.to.join(", ")}`));
  for (const { from, to } of carols.add_to) show(row("added", `${to.join(", ")} by ${from}`));
  for (const { filename, size } of carols.attachments) {
    show(row("attachment", `${filename}, ${formatSize(size)}`));
  }
  show(
    row("message hash", `${short(carols.hash ?? "")}  ${style.green("the same on both hosts")}`),
  );
  show("\nWhat else there is: fmsg --help");
  if (options.json === true) output.print(JSON.stringify({ steps }));
}

function inWords(step: Step): string[] {
  const codes = step.codes.map((code) => `${code} ${codeName(code)}`).join(", ");
  const challenge = step.challenge === "ok" ? "asked, and answered with that hash" : "not asked";
  return [
    row("header hash", short(step.header_hash)),
    row("message hash", short(step.hash)),
    row("challenge", challenge),
    row("codes", codes),
    row("on the wire", `${formatSize(step.bytes)} in ${step.ms.toFixed(1)} ms`),
  ];
}

function row(name: string, value: string): string {
  return `   ${name}${" ".repeat(14 - width(name))}${value}`;
}

function short(hash: string): string {
  return `${hash.slice(0, 16)}…`;
}
