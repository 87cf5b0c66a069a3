// Where in a conversation one is: goes to a message, stays there while what is around it comes, and gives way to the reader.

/** Milliseconds that a message is marked after somebody went to it. */
const MARKED = 1_600;
/** Pixels left above it. */
const MARGIN = 8;

/** Of one conversation. Messages are found by their `data-message`. */
export class Place {
  #scroller: HTMLElement | null = null;
  /** Goes there as soon as it is on the page. */
  #wanted: number | null = null;
  /** Held at the top while texts come in, until the reader moves. */
  #held: number | null = null;
  #focusing: number | null = null;
  #moved = false;

  /** Has the reader moved by themselves, or gone somewhere? */
  get isTaken(): boolean {
    return this.#moved;
  }

  /** Is somebody writing? Then neither focus nor what is seen is taken from them. */
  get isTyping(): boolean {
    const { activeElement } = document;
    return activeElement instanceof HTMLTextAreaElement ||
      activeElement instanceof HTMLInputElement;
  }

  /** A button of a message, by its `data-action`. */
  press(id: number, action: string): void {
    this.#find(id)?.querySelector<HTMLElement>(`[data-action="${action}"]`)?.click();
  }

  /** Gives back what ends it. */
  follow(scroller: HTMLElement): () => void {
    this.#scroller = scroller;
    const leaving = new AbortController();
    const moved = (): void => {
      this.#moved = true;
      this.#held = null;
    };
    for (const type of ["wheel", "touchmove", "pointerdown", "keydown", "focusin"]) {
      scroller.addEventListener(type, moved, { signal: leaving.signal, passive: true });
    }
    return () => {
      leaving.abort();
      this.#scroller = null;
    };
  }

  /** Where reading begins; not any more once the reader has moved. */
  begin(id: number): void {
    if (!this.#moved) this.#held = id;
  }

  /** Something came: what is read stays where it is. */
  stay(): void {
    this.#moved = true;
    this.#held = null;
  }

  /** Somebody asked for it: it is scrolled to, marked for a moment, and has focus. */
  want(id: number): void {
    this.#wanted = id;
    this.#held = id;
    this.#moved = true;
  }

  /** The button that was pressed goes with the shape of the message: focus stays in it. */
  keepFocus(id: number): void {
    this.#focusing = id;
    this.#moved = true;
    this.#held = null;
  }

  /** After each change of the page. */
  arrive(): void {
    const wanted = this.#wanted;
    const message = this.#find(wanted);
    if (message !== null) {
      this.#wanted = null;
      if (!this.isTyping) focusOn(message, ".message-box");
      // Focus counts as moving, but here it is the way to it.
      this.#held = wanted;
      message.classList.add("message-marked");
      setTimeout(() => message.classList.remove("message-marked"), MARKED);
    }
    this.#toTop(this.#find(this.#held));
    const focusing = this.#find(this.#focusing);
    if (focusing === null) return;
    this.#focusing = null;
    focusOn(focusing, "[aria-expanded]");
  }

  /** Is it further down than what is seen? */
  isBelow(id: number): boolean {
    const message = this.#find(id);
    if (message === null || this.#scroller === null) return false;
    const { bottom } = this.#scroller.getBoundingClientRect();
    return message.getBoundingClientRect().top > bottom - 48;
  }

  /** The message in which focus is; null: in none. */
  focused(): number | null {
    const row = document.activeElement?.closest<HTMLElement>("[data-message]");
    return row === null || row === undefined ? null : Number(row.dataset["message"]);
  }

  /** By hand: `scrollIntoView` moves what is around the scroller too. */
  #toTop(message: HTMLElement | null): void {
    const scroller = this.#scroller;
    if (message === null || scroller === null) return;
    const distance = message.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    if (Math.abs(distance - MARGIN) > 1) scroller.scrollTop += distance - MARGIN;
  }

  #find(id: number | null): HTMLElement | null {
    if (id === null) return null;
    return this.#scroller?.querySelector<HTMLElement>(`[data-message="${id}"]`) ?? null;
  }
}

function focusOn(message: HTMLElement, selector: string): void {
  message.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
}
