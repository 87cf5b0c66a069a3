// What waits to be pushed: whose turn it is, and who goes when too much waits. It knows nothing of what pushing is.

/** Something to push. */
export interface Push {
  /** Whose it is: the folded address of a user, who may have it for several addresses. */
  readonly ownerKey: string;
  readonly endpoint: string;
}

export interface QueueLimits {
  /**
   * Under way at once, of all and of one user: one whose services hang does not hold up the others. Half of the places are
   * for those who have none under way.
   */
  readonly underWay: number;
  readonly underWayOfOne: number;
  /** That wait, of all and of one user. With one more the oldest goes. */
  readonly waiting: number;
  readonly waitingOfOne: number;
}

export const QUEUE_LIMITS: QueueLimits = {
  underWay: 8,
  underWayOfOne: 2,
  waiting: 1000,
  waitingOfOne: 100,
};

export interface QueueParts<Item> {
  readonly limits: QueueLimits;
  /** Pushes, for the nth time; gives null when that is through, or after how many milliseconds to try again. Throws nothing. */
  readonly push: (item: Item, time: number, signal: AbortSignal) => Promise<number | null>;
  /** Told of what goes without having been pushed. */
  readonly dropped: (item: Item) => void;
}

interface Waiting<Item> {
  readonly item: Item;
  /** How often it was tried. */
  readonly tried: number;
  /** Not before, by `performance.now()`. */
  readonly from: number;
}

export class PushQueue<Item extends Push> implements AsyncDisposable {
  readonly #parts: QueueParts<Item>;
  /** The oldest first. */
  #waiting: Waiting<Item>[] = [];
  readonly #underWay = new Map<Item, Promise<void>>();
  readonly #ending = new AbortController();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(parts: QueueParts<Item>) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.length + this.#underWay.size;
  }

  add(item: Item): void {
    if (this.#ending.signal.aborted) return;
    this.#waiting.push({ item, tried: 0, from: 0 });
    this.#bound(item);
    this.#start();
  }

  /** Ends what is under way, and throws away what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("the host stops"));
    this.#waiting = [];
    this.#wake(null);
    await Promise.all(this.#underWay.values());
  }

  #bound({ ownerKey }: Item): void {
    const { waiting, waitingOfOne } = this.#parts.limits;
    const own = this.#waiting.filter(({ item }) => item.ownerKey === ownerKey);
    const [oldest] = own.length > waitingOfOne ? own : this.#waiting;
    if (own.length <= waitingOfOne && this.#waiting.length <= waiting) return;
    if (oldest === undefined) return;
    this.#waiting = this.#waiting.filter((one) => one !== oldest);
    this.#parts.dropped(oldest.item);
  }

  /** Whatever may be pushed now. To one endpoint in order, and one at a time. */
  #start(): void {
    const now = performance.now();
    const busy = new Set([...this.#underWay.keys()].map(laneOf));
    let next: number | null = null;
    const left: Waiting<Item>[] = [];
    for (const one of this.#waiting) {
      const lane = laneOf(one.item);
      const hasTurn = !busy.has(lane) && this.#hasPlace(one.item);
      if (hasTurn && one.from <= now) this.#push(one);
      else left.push(one);
      if (hasTurn && one.from > now) next = Math.min(next ?? Infinity, one.from);
      busy.add(lane);
    }
    this.#waiting = left;
    this.#wake(next);
  }

  #push(one: Waiting<Item>): void {
    const { item, tried } = one;
    const work = this.#parts.push(item, tried + 1, this.#ending.signal).then((again) => {
      this.#underWay.delete(item);
      if (this.#ending.signal.aborted) return;
      if (again !== null) {
        // It is still the oldest of its endpoint.
        this.#waiting.unshift({ item, tried: tried + 1, from: performance.now() + again });
        this.#bound(item);
      }
      this.#start();
    });
    this.#underWay.set(item, work);
  }

  #hasPlace({ ownerKey }: Item): boolean {
    const { underWay, underWayOfOne } = this.#parts.limits;
    const own = [...this.#underWay.keys()].filter((item) => item.ownerKey === ownerKey).length;
    return own < underWayOfOne && this.#underWay.size < (own === 0 ? underWay : underWay / 2);
  }

  #wake(at: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = at === null
      ? null
      : setTimeout(() => this.#start(), Math.max(0, at - performance.now()));
  }
}

/** Two identities that name the same endpoint wait for each other, too: it is one service's. */
function laneOf({ endpoint }: Push): string {
  return endpoint;
}
