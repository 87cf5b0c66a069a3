// Ids that hang together by parents, as sets with a top each; an id may be named as a parent before it is here.

/** Nearly constant time for each id, in whatever order they come. */
export class Unions {
  readonly #up = new Map<number, number>();
  /** By the representative of each set: its members, and the id that has no parent (or an unknown one). */
  readonly #sets = new Map<number, { members: number[]; top: number }>();

  add(id: number, parent: number | null): void {
    const own = this.#setOf(id);
    if (parent === null || parent === id) return;
    const other = this.#setOf(parent);
    // Already together: the same again, or a circle, which no honest host makes.
    if (own === other) return;
    const [ownSet, otherSet] = [this.#sets.get(own), this.#sets.get(other)];
    if (ownSet === undefined || otherSet === undefined) return;
    // The smaller joins the larger, so that no member moves more than log n times.
    const small = ownSet.members.length < otherSet.members.length ? own : other;
    const large = small === own ? other : own;
    const [from, into] = small === own ? [ownSet, otherSet] : [otherSet, ownSet];
    for (const member of from.members) into.members.push(member);
    into.top = otherSet.top;
    this.#up.set(small, large);
    this.#sets.delete(small);
  }

  /** The topmost id of the set; null when the id was never named. */
  topOf(id: number): number | null {
    return this.#up.has(id) ? this.#sets.get(this.#find(id))?.top ?? null : null;
  }

  membersOf(id: number): readonly number[] {
    return this.#up.has(id) ? this.#sets.get(this.#find(id))?.members ?? [] : [];
  }

  /** Takes a set apart; gives back who was in it. */
  dissolve(id: number): readonly number[] {
    if (!this.#up.has(id)) return [];
    const representative = this.#find(id);
    const members = this.#sets.get(representative)?.members ?? [];
    this.#sets.delete(representative);
    for (const member of members) this.#up.delete(member);
    return members;
  }

  #setOf(id: number): number {
    if (this.#up.has(id)) return this.#find(id);
    this.#up.set(id, id);
    this.#sets.set(id, { members: [id], top: id });
    return id;
  }

  #find(id: number): number {
    let at = id;
    for (let up = this.#up.get(at) ?? at; up !== at; up = this.#up.get(at) ?? at) {
      // Halves the way for the next time.
      const above = this.#up.get(up) ?? up;
      this.#up.set(at, above);
      at = above;
    }
    return at;
  }
}
