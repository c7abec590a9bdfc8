/** Something with a deadline and a place in one {@link DeadlineHeap}. */
export interface Scheduled {
  deadlineMs: number;
  /** -1 while it is in no heap. Only the heap writes it. */
  heapIndex: number;
}

/** The earliest of many deadlines in O(log n), so that a thousand idle connections cost nothing per packet. */
export class DeadlineHeap<T extends Scheduled> {
  private readonly items: T[] = [];

  /** The item whose deadline comes first. */
  get first(): T | undefined {
    return this.items[0];
  }

  /** Put an item in, or move it to its new deadline; Infinity takes it out. */
  set(item: T, deadlineMs: number): void {
    if (deadlineMs === Number.POSITIVE_INFINITY) {
      this.remove(item);
      return;
    }
    item.deadlineMs = deadlineMs;
    if (item.heapIndex === -1) {
      item.heapIndex = this.items.length;
      this.items.push(item);
    }
    this.settle(item);
  }

  remove(item: T): void {
    const hole = item.heapIndex;
    if (hole === -1) return;
    item.heapIndex = -1;
    const last = this.items.pop()!;
    if (last === item) return;
    this.place(last, hole);
    this.settle(last);
  }

  private settle(item: T): void {
    let index = item.heapIndex;
    for (
      let parent = (index - 1) >> 1;
      index > 0 && this.items[parent]!.deadlineMs > item.deadlineMs;
      parent = (index - 1) >> 1
    ) {
      this.place(this.items[parent]!, index);
      index = parent;
    }
    for (let child = this.earlierChild(index); child !== -1; child = this.earlierChild(index)) {
      if (this.items[child]!.deadlineMs >= item.deadlineMs) break;
      this.place(this.items[child]!, index);
      index = child;
    }
    this.place(item, index);
  }

  private earlierChild(index: number): number {
    const left = 2 * index + 1;
    if (left >= this.items.length) return -1;
    const right = left + 1;
    return right < this.items.length && this.items[right]!.deadlineMs < this.items[left]!.deadlineMs
      ? right
      : left;
  }

  private place(item: T, index: number): void {
    this.items[index] = item;
    item.heapIndex = index;
  }
}
