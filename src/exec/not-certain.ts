/** A command is not understood for certain; the message says why, as the end of "it runs in the foreground: …". */
export class NotCertain extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'NotCertain'
  }
}

export function unsure(why: string): never {
  throw new NotCertain(why)
}
