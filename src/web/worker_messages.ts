// What the page and its service worker tell each other.

export interface ToWorker {
  readonly kind: "forget";
}

/** A path of the page with its query. */
export interface FromWorker {
  readonly kind: "open";
  readonly url: string;
}
