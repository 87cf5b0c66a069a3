// The front door of the events.

export { EventSockets } from "./sockets.ts";
