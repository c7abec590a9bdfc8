/** A promise that is settled from outside, once; nobody needs to look at it. */
export class Settled<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {}); // a rejection that nobody waits for is no fault
  }
}
