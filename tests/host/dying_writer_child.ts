// The program with a writer's thread that ends at SIGUSR2, for writer_end_test.ts.

globalThis.Worker = class extends Worker {
  constructor(_url: string | URL, options?: WorkerOptions) {
    super(new URL("dying_writer.ts", import.meta.url), options);
    Deno.addSignalListener("SIGUSR2", () => this.postMessage("die"));
  }
};

await import("../../main.ts");
