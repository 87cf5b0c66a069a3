// The exchange of fmsg: decisions and conversations on small interfaces, without sockets, files or a database.

export * from "./challenge.ts";
export * from "./compose.ts";
export * from "./connection.ts";
export * from "./content.ts";
export * from "./deliver.ts";
export * from "./judge.ts";
export * from "./outgoing.ts";
export * from "./parent.ts";
export * from "./problem.ts";
export * from "./receive.ts";
export * from "./retry.ts";
export * from "./serve.ts";
export * from "./terminate.ts";
export { turn } from "./turn.ts";
export * from "./verdict.ts";
