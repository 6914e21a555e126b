/** What a run needs to be in a network of its own. */
export interface NetworkRequest {
  /** Its id; names of what is made are derived from it. */
  readonly run: string;
  /** Its address, as `choose` gave it. */
  readonly address: string;
  /** TCP ports on which it listens itself, as far as is known: what it sends to all others of 127.0.0.1 reaches those of the machine. */
  readonly own: readonly number[];
}

/**
 * Gives runs networks of their own on this machine, so that several can listen on one port. From inside, 127.0.0.1 reaches what the run listens on itself
 * and else what the machine's 127.0.0.1 does, and the Internet is reached; from this machine the run is reached at its address, on whichever port, also where
 * it listens on 127.0.0.1 alone; from other machines it is not. All of it outlives the daemon, and every method may be repeated.
 */
export interface Network {
  /** Why runs cannot have networks of their own here, and what would bring it; null where they can, as far as is known. */
  readonly refusal: string | null;
  /** Tries it once, with a network that goes again, before the first is made. Answers `refusal`. */
  prove(): Promise<string | null>;
  /** An IPv4 address that nothing on this machine uses and that is not among `taken`. Throws KapalError `runtime_failed` when there is none. */
  choose(taken: ReadonlySet<string>): Promise<string>;
  /** Makes the network of a run, or finds it. Answers the path of its namespace. Throws KapalError `runtime_failed`. */
  attach(request: NetworkRequest): Promise<string>;
  /** Says anew on which ports the run itself listens. One that is gone is no error. */
  own(run: string, ports: readonly number[]): Promise<void>;
  /** Removes the network of a run, which has ended. Missing is no error. */
  detach(run: string): Promise<void>;
  /** Removes those of all runs but these, asked for after it looked what is there; and brings back rules of those that somebody removed. */
  retain(runs: () => ReadonlySet<string>): Promise<void>;
}
