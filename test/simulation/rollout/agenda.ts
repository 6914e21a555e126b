/** What will happen, by time; what is due at the same moment happens in the order in which it was planned. A binary heap. */
export class Agenda {
  now = 0;
  #planned = 0;
  readonly #heap: { readonly at: number; readonly order: number; readonly happen: () => void }[] = [];

  plan(delay: number, happen: () => void): void {
    this.#planned += 1;
    const heap = this.#heap;
    heap.push({ at: this.now + Math.max(0, delay), order: this.#planned, happen });
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** When the next thing happens, or null: nothing ever will. */
  get next(): number | null {
    return this.#heap[0]?.at ?? null;
  }

  /** Lets the next thing happen. */
  step(): void {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    this.now = first.at;
    first.happen();
  }

  #sink(): void {
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return false;
    return x.at < y.at || (x.at === y.at && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return;
    this.#heap[a] = y;
    this.#heap[b] = x;
  }
}
