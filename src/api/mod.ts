// The interface for clients: HTTP and WebSocket (FMSG-003).

export { type Api, startApi } from "./api.ts";
