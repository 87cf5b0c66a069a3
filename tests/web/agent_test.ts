// What a browser calls itself, in two words.

import { deepEqual } from "node:assert/strict";
import { agentParts } from "../../src/web/agent.ts";

Deno.test("settings: a browser is known by what it is, not by those that it calls itself after", () => {
  const webKit = "AppleWebKit/537.36 (KHTML, like Gecko)";
  for (
    const [agent, browser, system] of [
      [`Mozilla/5.0 (X11; Linux x86_64) ${webKit} Chrome/150.0 Safari/537.36`, "Chrome", "Linux"],
      [
        `Mozilla/5.0 (Windows NT 10.0; Win64) ${webKit} Chrome/150.0 Safari/537.36 Edg/150.0`,
        "Edge",
        "Windows",
      ],
      [
        `Mozilla/5.0 (Linux; Android 16) ${webKit} SamsungBrowser/30.0 Chrome/140.0 Mobile Safari/537.36`,
        "Samsung Internet",
        "Android",
      ],
      [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1",
        "Safari",
        "iPhone",
      ],
      [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Firefox",
        "macOS",
      ],
      ["curl/8.14", null, null],
      ["", null, null],
    ] as const
  ) {
    deepEqual(agentParts(agent), { browser, system }, agent);
  }
});
